/**
 * Why an expression is not taken; `expression.ts` makes a VarveError of it, which also says where the expression stands. Nothing else
 * may let it out.
 */
export class Refusal extends Error {}
