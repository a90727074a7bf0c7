/** What a domain publishes about TLS to its mail servers: the record and the policy, read to the letter. RFC 8461 §3.1, §3.2, §4.1. */

/** A policy. RFC 8461 §3.2. */
export interface StsPolicy {
  readonly mode: 'enforce' | 'testing' | 'none'
  /** Names of mail servers, or `*.` and the rest of one. At least one unless the mode is `none`. */
  readonly mx: readonly string[]
  /** Seconds, at most a year. */
  readonly maxAge: number
}

/** RFC 8461 §3.2: the largest that counts. */
const YEAR = 31_557_600
const RECORD = /^v=STSv1[ \t]*;(?:[ \t]*[a-z0-9][a-z0-9_.-]{0,31}[ \t]*=[ \t]*[\x21-\x3a\x3c\x3e-\x7e]*[ \t]*(?:;|$))*[ \t]*$/i
const NAME = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/i

/**
 * The id in the TXT records of `_mta-sts`; `undefined` when there is no policy: none of the records is one, more than one is,
 * or it is malformed. RFC 8461 §3.1.
 */
export function stsIdOf(records: readonly string[]): string | undefined {
  const ours = records.filter(record => record.startsWith('v=STSv1'))
  const [record = ''] = ours
  if (ours.length !== 1 || record.length > 1000 || !RECORD.test(record)) return undefined
  const id = /(?:^|;)[ \t]*id[ \t]*=[ \t]*([^; \t]*)/i.exec(record)?.[1] ?? ''
  return /^[A-Za-z0-9]{1,32}$/.test(id) ? id : undefined
}

/** Reads a policy; `undefined` for what is none. Keys that nobody knows are passed over. RFC 8461 §3.2. */
export function parseStsPolicy(text: string): StsPolicy | undefined {
  const single = new Map<string, string>()
  const mx: string[] = []
  // RFC 8461 §3.2 ABNF: lines end with LF or CRLF.
  for (const line of text.split(/\r?\n/)) {
    if (line.trim() === '') continue
    const colon = line.indexOf(':')
    if (colon < 1) return undefined
    const key = line.slice(0, colon).trim()
    const value = line.slice(colon + 1).trim()
    if (key === 'mx') {
      if (!NAME.test(value) || mx.length >= 1000) return undefined
      mx.push(value.toLowerCase())
    } else if (!single.has(key)) single.set(key, value)
  }
  const mode = single.get('mode')
  const age = single.get('max_age') ?? ''
  if (single.get('version') !== 'STSv1' || !/^\d{1,10}$/.test(age)) return undefined
  if (mode !== 'enforce' && mode !== 'testing' && mode !== 'none') return undefined
  if (mode !== 'none' && mx.length === 0) return undefined
  return { mode, mx, maxAge: Math.min(Number(age), YEAR) }
}

/** Whether a policy names this host. RFC 8461 §4.1: a `*.` stands for one label on the left. */
export function stsAllows(policy: StsPolicy, host: string): boolean {
  const name = host.toLowerCase()
  const dot = name.indexOf('.')
  return policy.mx.some(pattern => (pattern.startsWith('*.') ? dot > 0 && name.slice(dot) === pattern.slice(1) : pattern === name))
}

/** The policy as reports show it. RFC 8460 §4.4 `policy-string`. */
export function stsText(policy: StsPolicy): readonly string[] {
  return ['version: STSv1', `mode: ${policy.mode}`, ...policy.mx.map(name => `mx: ${name}`), `max_age: ${policy.maxAge}`]
}
