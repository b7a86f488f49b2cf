/** The parser of YAML, in a file of its own: loading it takes longer than most of what needs it, so it is imported when it is needed. */
export { parse } from 'yaml'
