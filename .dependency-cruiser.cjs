/**
 * The import direction of the house: a folder imports only from folders before it in this list, index.ts names what is public, and the
 * command line sees index.ts alone.
 */
const layers = ['errors', 'schema', 'storage', 'engine', 'log', 'refs', 'data', 'transaction', 'query', 'operations', 'dataset', 'table']

const downwards = layers.map((layer, position) => ({
  name: `${layer}-imports-only-what-lies-above-it`,
  severity: 'error',
  from: { path: `^src/${layer}/` },
  to: { path: `^src/((${[...layers.slice(position + 1), 'cli', 'ui'].join('|')})/|[^/]+[.]ts$)` },
}))

/** The packages or built-in modules `modules` are known to the folders `where` only. */
const only = (name, modules, where) => ({
  name,
  severity: 'error',
  from: { path: '^src/', pathNot: `^src/(${where.join('|')})/` },
  to: { path: modules },
})

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...downwards,
    {
      name: 'cli-and-ui-see-index-only',
      severity: 'error',
      from: { path: '^src/(cli|ui)/' },
      to: { path: '^src/', pathNot: ['^src/index[.]ts$', '^src/$1/'] },
    },
    {
      name: 'the-library-knows-neither-cli-nor-ui',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|ui)/' },
      to: { path: '^src/(cli|ui)/' },
    },
    {
      name: 'nothing-imports-index',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(cli|ui)/' },
      to: { path: '^src/index[.]ts$' },
    },
    only('file-system', '^(node:)?fs(/promises)?$', ['storage', 'dataset', 'cli', 'ui']),
    only('child-processes', '^(node:)?(child_process|cluster)$', ['dataset', 'cli']),
    only('duckdb-in-engine', '@duckdb/', ['engine']),
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'source-stands-alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|examples|dist)/' },
    },
    {
      name: 'source-needs-no-development-dependency',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '^@lancedb/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
}
