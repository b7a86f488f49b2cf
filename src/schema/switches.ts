/** Properties that are on or off. Other engines keep a value as it was given and read it without regard to case. */

/** Whether a property is on. Default: it is not. */
export function isOn(properties: Readonly<Record<string, string>>, name: string): boolean {
  return properties[name]?.toLowerCase() === 'true'
}
