/** The size that a table wants its files to have, as its property `delta.targetFileSize` says it. */
const units = ['', 'k', 'm', 'g', 't']

/** In bytes, from text such as `104857600` or `100mb`, whose units are powers of 1024; `undefined` where nothing that can be read is said. */
export function targetFileSize(properties: Readonly<Record<string, string>>): number | undefined {
  const [, digits, unit = ''] = /^([1-9]\d*)\s*(?:([kmgt])i?)?b?$/i.exec(properties['delta.targetFileSize']?.trim() ?? '') ?? []
  const bytes = Number(digits) * 1024 ** units.indexOf(unit.toLowerCase())
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
