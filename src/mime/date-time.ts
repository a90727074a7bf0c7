/** The Date field, as liberal as mail is. RFC 5322 §3.3, §4.3. */

/** A moment, and the day that the sender's calendar showed. */
export interface SentDate {
  /** Milliseconds since the epoch. */
  readonly time: number
  /** Days since the epoch in the zone of the field: what SENTON compares. RFC 9051 §6.4.4. */
  readonly day: number
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const ZONES: ReadonlyMap<string, number> = new Map([
  ['ut', 0],
  ['gmt', 0],
  ['z', 0],
  ['est', -300],
  ['edt', -240],
  ['cst', -360],
  ['cdt', -300],
  ['mst', -420],
  ['mdt', -360],
  ['pst', -480],
  ['pdt', -420],
])
const DATE = /(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s-]+(\d{2,4})(?:[\s,]+(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([+-]\d{4}|[a-z]{1,5}))?)?/i

/** Reads a Date field; `undefined` when there is no date in it. */
export function parseSentDate(text: string): SentDate | undefined {
  const match = DATE.exec(text.slice(0, 200))
  if (match === null) return undefined
  const month = MONTHS.indexOf((match[2] ?? '').toLowerCase())
  const date = Number(match[1])
  if (month < 0 || date < 1 || date > 31) return undefined
  let year = Number(match[3])
  // RFC 5322 §4.3: two digits below 50 are of this century, three digits count from 1900.
  if ((match[3] ?? '').length === 2) year += year < 50 ? 2000 : 1900
  else if ((match[3] ?? '').length === 3) year += 1900
  const midnight = Date.UTC(year, month, date)
  const local = midnight + ((Number(match[4] ?? 0) * 60 + Number(match[5] ?? 0)) * 60 + Number(match[6] ?? 0)) * 1000
  return { time: local - zoneMinutes(match[7]) * 60_000, day: Math.floor(midnight / 86_400_000) }
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined) return 0
  if (zone[0] !== '+' && zone[0] !== '-') return ZONES.get(zone.toLowerCase()) ?? 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5))
  return zone[0] === '-' ? -minutes : minutes
}
