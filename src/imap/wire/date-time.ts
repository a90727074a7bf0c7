/** Dates of the protocol, read and printed. RFC 9051 §9, `date`, `date-time`. */

import type { Parser } from './parser.ts'

const MONTHS: readonly string[] = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DASH = 0x2d
const DQUOTE = 0x22

/** Milliseconds of one day. */
export const DAY = 86_400_000

/** `date`: the day as milliseconds since the epoch of its midnight, without any zone. */
export function date(p: Parser): number {
  const quoted = p.skip(DQUOTE)
  const value = dateText(p, p.number())
  if (quoted && !p.skip(DQUOTE)) p.fail('the closing quote')
  return value
}

function dateText(p: Parser, day: number): number {
  if (!p.skip(DASH)) p.fail('"-"')
  const month = MONTHS.findIndex(name => p.skipWord(name.toLowerCase()))
  if (month < 0 || !p.skip(DASH)) p.fail('a month')
  const year = fixed(p, 4)
  const value = Date.UTC(2000, month, day)
  const whole = new Date(value).setUTCFullYear(year, month, day)
  const back = new Date(whole)
  if (back.getUTCDate() !== day || back.getUTCMonth() !== month) p.fail('a day of that month')
  return whole
}

function fixed(p: Parser, digits: number): number {
  let value = 0
  for (let i = 0; i < digits; i++) {
    const digit = p.peek() - 0x30
    if (digit < 0 || digit > 9) p.fail('a digit')
    value = value * 10 + digit
    p.at++
  }
  return value
}

/** `date-time`: milliseconds since the epoch. */
export function dateTime(p: Parser): number {
  if (!p.skip(DQUOTE)) p.fail('a date and time')
  p.skip(0x20)
  const midnight = dateText(p, p.number())
  p.sp()
  const hour = fixed(p, 2)
  if (!p.skip(0x3a)) p.fail('":"')
  const minute = fixed(p, 2)
  if (!p.skip(0x3a)) p.fail('":"')
  const second = fixed(p, 2)
  p.sp()
  const west = p.skip(DASH)
  if (!west && !p.skip(0x2b)) p.fail('a zone')
  const zone = fixed(p, 2) * 60 + fixed(p, 2)
  if (!p.skip(DQUOTE)) p.fail('the closing quote')
  if (hour > 23 || minute > 59 || second > 60 || zone > 24 * 60) p.fail('a time of day')
  return midnight + ((hour * 60 + minute) * 60 + second) * 1000 - (west ? -zone : zone) * 60_000
}

let printedDay = Number.NaN
let printedDate = ''

/** `date-time` in UTC, with its quotes. */
export function printDateTime(time: number): string {
  const day = Math.floor(time / DAY)
  if (day !== printedDay) {
    const moment = new Date(day * DAY)
    printedDate = `"${String(moment.getUTCDate()).padStart(2, ' ')}-${MONTHS[moment.getUTCMonth()] ?? 'Jan'}-${String(moment.getUTCFullYear()).padStart(4, '0')} `
    printedDay = day
  }
  const seconds = Math.floor((time - day * DAY) / 1000)
  const two = (n: number): string => (n < 10 ? `0${n}` : `${n}`)
  return `${printedDate}${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)} +0000"`
}
