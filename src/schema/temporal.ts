/**
 * Dates and instants as numbers and as text. A date is days since 1970-01-01, an instant is microseconds since its midnight in UTC,
 * both in the proleptic Gregorian calendar; before and after 1970 alike.
 */

const microsPerDay = 86_400_000_000n
const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
const pattern = /^([+-]?\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?)?$/i

/** What a text says: microseconds, and whether it names its zone. */
interface ParsedInstant {
  readonly micros: bigint
  readonly zoned: boolean
}

/** Reads `2020-01-31`, with a time after `T` or a space, up to six significant fractional digits, and `Z` or an offset. `undefined` for anything else. */
export function parseInstant(text: string): ParsedInstant | undefined {
  const match = pattern.exec(text)
  if (match === null) return undefined
  const days = daysOf(Number(match[1]), Number(match[2]), Number(match[3]))
  const [hour, minute, second] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)]
  const fraction = (match[7] ?? '').padEnd(9, '0')
  const offset = offsetMinutes(match[8])
  if (days === undefined || offset === undefined || hour > 23 || minute > 59 || second > 59 || !fraction.endsWith('000')) return undefined
  const seconds = hour * 3600 + (minute - offset) * 60 + second
  return { micros: BigInt(days) * microsPerDay + BigInt(seconds * 1_000_000 + Number(fraction.slice(0, 6))), zoned: match[8] !== undefined }
}

/** Reads `2020-01-31` as days; years outside 0 to 9999 carry a sign. `undefined` for anything else, a day that does not exist included. */
export function parseDate(text: string): number | undefined {
  const match = /^([+-]?\d{4,7})-(\d\d)-(\d\d)$/.exec(text)
  return match === null ? undefined : daysOf(Number(match[1]), Number(match[2]), Number(match[3]))
}

/** Days as `2020-01-31`; years outside 0 to 9999 carry a sign, as ISO 8601 has it. */
export function formatDate(days: number): string {
  const { year, month, day } = civil(days)
  return `${yearText(year)}-${two(month)}-${two(day)}`
}

/** Microseconds as `2020-01-31<separator>10:20:30.123456`, always with six digits. */
export function formatInstant(micros: bigint, separator: 'T' | ' '): string {
  const days = floorDiv(micros, microsPerDay)
  const rest = Number(micros - days * microsPerDay)
  const seconds = Math.floor(rest / 1_000_000)
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${formatDate(Number(days))}${separator}${time}.${String(rest % 1_000_000).padStart(6, '0')}`
}

/** Division that rounds towards minus infinity, as calendars before 1970 need. The divisor is positive. */
export function floorDiv(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor
  return dividend < 0n && quotient * divisor !== dividend ? quotient - 1n : quotient
}

/** Days since 1970 of a calendar day, `undefined` where there is no such day. The era arithmetic counts years from March. */
function daysOf(year: number, month: number, day: number): number | undefined {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const last = month === 2 && leap ? 29 : monthDays[month - 1]
  if (last === undefined || day < 1 || day > last) return undefined
  const shifted = month <= 2 ? year - 1 : year
  const era = Math.floor(shifted / 400)
  const yearOfEra = shifted - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function civil(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1 }
}

function offsetMinutes(zone: string | undefined): number | undefined {
  if (zone === undefined || zone.toUpperCase() === 'Z') return 0
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0')
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2))]
  if (hours > 18 || minutes > 59) return undefined
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

function yearText(year: number): string {
  if (year < 0) return `-${String(-year).padStart(4, '0')}`
  return year > 9999 ? `+${year}` : String(year).padStart(4, '0')
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number)
}
