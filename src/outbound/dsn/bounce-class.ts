/** Why mail came back, in classes that a sender acts upon. RFC 3463 §3; and the words of servers whose codes say less. */

/** A class of bounces. */
export type BounceClass =
  | 'unknown-user'
  /** The domain does not exist, takes no mail, or cannot be routed to. */
  | 'unknown-domain'
  | 'mailbox-full'
  /** Exists, and is closed or suspended. */
  | 'mailbox-disabled'
  /** Our address or name has a bad reputation or is on a list. */
  | 'blocked'
  | 'spam'
  /** SPF, DKIM or DMARC did not hold. */
  | 'authentication'
  /** Some other rule of the recipient's server. */
  | 'policy'
  | 'content'
  | 'too-big'
  | 'loop'
  /** DNS, network, load: nothing that the recipient or the message could help. */
  | 'temporary'
  /** Too much or too fast, or a first try that is to be repeated. */
  | 'rate'
  /** Given up after trying for as long as was allowed. */
  | 'expired'
  /** We or they made an error in the dialogue. */
  | 'protocol'
  | 'other'

/** Of a server's words so many are looked at. */
const LONGEST = 2000

/** Words that decide whatever the code says: the most telling first. */
const WORDS: readonly (readonly [RegExp, BounceClass])[] = [
  [/too many hops|hop count|mail loop|loops back|routing loop|forwarding loop|5\.4\.6\b|4\.4\.6\b/, 'loop'],
  [/message (?:size|is too|too) (?:exceeds|large|big)|too large|size limit|exceeds (?:the )?(?:maximum|size)|larger than/, 'too-big'],
  [
    /mailbox (?:is )?full|over ?quota|quota exceeded|exceeded (?:its|the|their) (?:storage|quota)|insufficient (?:storage|space) in mailbox|out of storage|5\.2\.2\b/,
    'mailbox-full',
  ],
  [
    /greylist|graylist|rate limit|too many (?:messages|connections|recipients|requests)|throttl|slow down|sending too (?:fast|much)|receiving mail at a rate/,
    'rate',
  ],
  [
    /\bdmarc\b|\bdkim\b|\bspf\b|unauthenticated (?:email|mail)|sender (?:is )?not authenticated|authentication (?:checks? )?(?:failed|required for delivery)/,
    'authentication',
  ],
  [
    /spamhaus|barracuda|blacklist|blocklist|block list|\brbl\b|dnsbl|\bblocked (?:using|by|for|due)|ip (?:address )?(?:is |has been )?(?:blocked|listed|banned)|bad reputation|poor reputation|reverse dns|ptr record|client host (?:rejected|blocked)/,
    'blocked',
  ],
  [/\bspam|junk mail|unsolicited|bulk mail|looks like uce|spamassassin|rejected for its content score/, 'spam'],
  [/\bvirus|malware|attachment|banned (?:file|content)|executable|phish|prohibited (?:content|file)|suspicious link/, 'content'],
  [
    /host (?:or domain name )?not found|no such domain|domain (?:does ?n[o']t exist|not found)|unknown (?:host|domain)|null mx|unrouteable (?:mail )?domain|name or service not known|nxdomain|no mx\b/,
    'unknown-domain',
  ],
  [
    /account (?:is )?(?:disabled|suspended|inactive|locked|closed|expired)|mailbox (?:is )?(?:disabled|inactive|unavailable for|suspended)|user (?:is )?(?:disabled|suspended|inactive)/,
    'mailbox-disabled',
  ],
  [
    /(?:user|recipient|mailbox|address|account)\b.{0,60}?(?:unknown|not found|does ?n[o']t exist|no longer|invalid|not exist|rejected as unknown)|no such (?:user|mailbox|recipient|address|person|account)|unknown (?:user|recipient|address|account|mailbox)|recipnotfound|does not have an account|addressee unknown|invalid (?:recipient|mailbox|user)|no mailbox here by that name|not a valid (?:mailbox|recipient|user)|unrouteable address/,
    'unknown-user',
  ],
  [
    /retry time(?:out)? (?:not reached|exceeded)|too (?:old|long in (?:the )?queue)|delivery (?:time )?expired|message expired|gave up after|could not be delivered for|undeliverable for \d+/,
    'expired',
  ],
  [
    /connection (?:refused|timed out|reset|lost|dropped)|timed? ?out|network is unreachable|try again later|temporarily|temporary|no route to host|service (?:not available|unavailable)|lost connection/,
    'temporary',
  ],
]

/** By subject and detail of the enhanced code. */
const BY_CODE: Readonly<Record<string, BounceClass>> = {
  '1.0': 'unknown-user',
  '1.1': 'unknown-user',
  '1.2': 'unknown-domain',
  '1.3': 'unknown-user',
  '1.6': 'unknown-user',
  '1.10': 'unknown-domain',
  '2.0': 'mailbox-disabled',
  '2.1': 'mailbox-disabled',
  '2.2': 'mailbox-full',
  '2.3': 'too-big',
  '3.1': 'temporary',
  '3.2': 'temporary',
  '3.4': 'too-big',
  '4.0': 'temporary',
  '4.1': 'temporary',
  '4.2': 'temporary',
  '4.3': 'temporary',
  '4.4': 'unknown-domain',
  '4.5': 'rate',
  '4.6': 'loop',
  '4.7': 'expired',
  '5.3': 'rate',
  '7.0': 'policy',
  '7.1': 'policy',
  '7.13': 'mailbox-disabled',
  '7.17': 'unknown-user',
  '7.18': 'unknown-domain',
  '7.20': 'authentication',
  '7.21': 'authentication',
  '7.22': 'authentication',
  '7.23': 'authentication',
  '7.24': 'authentication',
  '7.25': 'blocked',
  '7.26': 'authentication',
  '7.28': 'rate',
  '7.29': 'authentication',
}

const BY_SUBJECT: Readonly<Record<string, BounceClass>> = {
  '1': 'unknown-user',
  '2': 'mailbox-disabled',
  '3': 'temporary',
  '4': 'temporary',
  '5': 'protocol',
  '6': 'content',
  '7': 'policy',
}

/** The codes that say so little that the words are asked first: "other", and "delivery not authorised". */
const VAGUE = /^[245]\.(?:0\.\d+|[1-7]\.0|7\.1|1\.10|1\.8|1\.7|5\.\d+)$/

/** The class of a bounce from its enhanced code (`5.1.1`), its SMTP reply and its text, each where there is one. */
export function bounceClass(status: string | undefined, reply: number | undefined, text: string | undefined): BounceClass {
  const words = text === undefined ? undefined : classOfWords(text)
  const [, subject, detail] = /^[245]\.(\d{1,3})\.(\d{1,3})$/.exec(status ?? '') ?? []
  if (status !== undefined && subject !== undefined && detail !== undefined) {
    const byCode = BY_CODE[`${subject}.${detail}`] ?? BY_SUBJECT[subject]
    // A mailbox "unknown" because the sender is blocked, a "policy" that is a list: the words know better.
    if (words !== undefined && (VAGUE.test(status) || byCode === undefined || TELLING.has(words))) return words
    if (byCode !== undefined) return byCode
  }
  if (words !== undefined) return words
  if (reply === 552) return 'mailbox-full'
  if (reply === 550 || reply === 551 || reply === 553) return 'unknown-user'
  if (reply !== undefined && reply >= 400 && reply < 500) return 'temporary'
  return reply !== undefined && reply >= 500 && reply < 510 ? 'protocol' : 'other'
}

/** Classes whose words outweigh any code. */
const TELLING: ReadonlySet<BounceClass> = new Set(['loop', 'blocked', 'spam', 'authentication', 'mailbox-full', 'rate'])

function classOfWords(text: string): BounceClass | undefined {
  const words = text.slice(0, LONGEST).toLowerCase().replace(/\s+/g, ' ')
  return WORDS.find(([pattern]) => pattern.test(words))?.[1]
}
