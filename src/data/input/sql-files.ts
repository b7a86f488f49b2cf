import { quoteLiteral } from '../../schema/quoting.ts'

/** Local paths as the list that DuckDB's readers take. What it would read as a pattern stands for itself. */
export function fileList(paths: readonly string[]): string {
  return `[${paths.map((path) => quoteLiteral(path.replace(/[*?[]/g, '[$&]'))).join(', ')}]`
}
