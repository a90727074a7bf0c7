/** The commands, one row each. RFC 5321 §4.1.1, §4.5.1; RFC 2033 §4; RFC 3207; RFC 4954; RFC 1870; RFC 6152; RFC 6531; RFC 3461; RFC 8689. */

import { offersOf } from './authentication.ts'
import { LEAVING_PARAMETERS, leavingKeywords, leavingWishes } from './leaving.ts'
import { isXtext, mailWishes, recipientWishes } from './dsn.ts'
import { replies } from './replies.ts'
import type { AuthPort, SessionPort } from './session-port.ts'

/** One command. */
export interface Command {
  /** Out of sequence before EHLO, HELO or LHLO. */
  readonly needsHello?: boolean
  /** Must be the last of a pipelined group. RFC 2920 §3.1. */
  readonly mustBeLast?: boolean
  /** Leads nowhere: counted. */
  readonly isIdle?: boolean
  run(session: SessionPort, text: string, auth: AuthPort): Promise<void> | undefined
}

const MAIL_PARAMETERS: ReadonlySet<string> = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'AUTH', 'RET', 'ENVID'])
/** RFC 8689 §2: understood only where TLS is on. */
const SECURE_MAIL_PARAMETERS: ReadonlySet<string> = new Set([...MAIL_PARAMETERS, 'REQUIRETLS'])
const SUBMISSION_PARAMETERS: ReadonlySet<string> = new Set([...MAIL_PARAMETERS, ...LEAVING_PARAMETERS])
const SECURE_SUBMISSION_PARAMETERS: ReadonlySet<string> = new Set([...SUBMISSION_PARAMETERS, 'REQUIRETLS'])
const RCPT_PARAMETERS: ReadonlySet<string> = new Set(['NOTIFY', 'ORCPT'])
const NO_PARAMETERS: ReadonlySet<string> = new Set()
const BEYOND_ASCII = /[^\u0000-\u007f]/
/** RFC 5321 §4.1.1.1 wants a domain or literal; real clients say other things, short and printable. */
const HELLO_NAME = /^[^\u0000-\u0020\u007f-\u009f\u2028\u2029]{1,255}$/u

function hello(session: SessionPort, verb: string, text: string): boolean {
  if ((session.settings.flavour === 'lmtp') !== (verb === 'LHLO')) {
    session.fault(session.settings.flavour === 'lmtp' ? replies.lmtpHello : replies.unknownCommand)
    return false
  }
  // RFC 5321 §4.1.1.1 has one argument; what some clients add behind it is not looked at.
  const [name = ''] = text.split(' ')
  if (!HELLO_NAME.test(name)) {
    session.fault(replies.syntax)
    return false
  }
  session.openingCommand = verb
  session.greetedBy(name)
  return true
}

function ehlo(session: SessionPort, verb: string, text: string): undefined {
  if (!hello(session, verb, text)) return undefined
  const lines = [session.host.hostname, 'PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', `SIZE ${session.settings.maxSize}`]
  const mechanisms = offersOf(session)
  if (mechanisms.length > 0) lines.push(`AUTH ${mechanisms.map(({ name }) => name).join(' ')}`)
  if (sends(session)) lines.push(...leavingKeywords(session.host.clock.now()))
  // RFC 8689 §2: not before TLS is on.
  if (session.host.sends && session.secure) lines.push('REQUIRETLS')
  if (session.canStartTls) lines.push('STARTTLS')
  session.send(250, lines, false)
  return undefined
}

function mailParameters(session: SessionPort): ReadonlySet<string> {
  if (!session.host.sends) return MAIL_PARAMETERS
  if (sends(session)) return session.secure ? SECURE_SUBMISSION_PARAMETERS : SUBMISSION_PARAMETERS
  return session.secure ? SECURE_MAIL_PARAMETERS : MAIL_PARAMETERS
}

/** Wishes about what leaves are for those who submit. */
function sends(session: SessionPort): boolean {
  return session.host.sends && session.settings.flavour === 'submission'
}

async function mail(session: SessionPort, text: string): Promise<void> {
  if (session.mail.isOpen) {
    session.fault(replies.notNow)
    return
  }
  const needsLogin = session.settings.flavour === 'submission' && session.live.principal === undefined
  if (needsLogin) {
    session.fault(session.secretsAllowed || !session.canStartTls ? replies.loginFirst : replies.tlsFirst)
    return
  }
  const isHelo = session.openingCommand === 'HELO'
  const parsed = session.path('FROM', text, isHelo ? NO_PARAMETERS : mailParameters(session))
  if (parsed === undefined) return
  const { address, parameters } = parsed
  const size = parameters.get('SIZE')
  const body = parameters.get('BODY')
  const auth = parameters.get('AUTH')
  const wishes = mailWishes(parameters.get('RET'), parameters.get('ENVID'), 'xtext')
  const isSane =
    (size === undefined || (typeof size === 'string' && /^\d{1,20}$/.test(size))) &&
    (body === undefined || (typeof body === 'string' && /^(?:7BIT|8BITMIME)$/i.test(body))) &&
    (auth === undefined || isXtext(auth)) &&
    (parameters.get('SMTPUTF8') ?? true) === true &&
    (parameters.get('REQUIRETLS') ?? true) === true
  const leaving = leavingWishes(parameters, session.host.clock.now())
  if (!isSane || wishes === undefined || leaving === undefined) {
    session.fault(replies.syntax)
    return
  }
  if (leaving === 'too-soon') {
    session.say(replies.tooSoon)
    return
  }
  const smtpUtf8 = parameters.has('SMTPUTF8')
  if (!smtpUtf8 && address !== undefined && BEYOND_ASCII.test(text)) {
    session.fault(replies.needsUtf8)
    return
  }
  const announcedSize = size === undefined ? undefined : Number(size)
  if (announcedSize !== undefined && announcedSize > session.settings.maxSize) {
    session.say(replies.tooBig)
    return
  }
  const requireTls = parameters.has('REQUIRETLS')
  const transaction = { sender: address, smtpUtf8, helo: isHelo, ...wishes, ...leaving, ...(requireTls ? { requireTls } : {}) }
  const refusal = await session.mail.mail(announcedSize === undefined ? transaction : { ...transaction, announcedSize })
  session.say(refusal ?? { code: 250, enhanced: '2.1.0', text: 'Sender accepted' })
}

async function rcpt(session: SessionPort, text: string): Promise<void> {
  if (!session.mail.isOpen) {
    session.fault(replies.noTransaction)
    return
  }
  const parsed = session.path('TO', text, session.openingCommand === 'HELO' ? NO_PARAMETERS : RCPT_PARAMETERS)
  if (parsed?.address === undefined) return
  const wishes = recipientWishes(parsed.parameters.get('NOTIFY'), parsed.parameters.get('ORCPT'), 'xtext')
  if (wishes === undefined) {
    session.fault(replies.syntax)
    return
  }
  const refusal = await session.mail.rcpt(parsed.address, wishes)
  session.say(refusal ?? { code: 250, enhanced: '2.1.5', text: 'Recipient accepted' })
  if (refusal !== undefined) session.countRefused()
}

function starttls(session: SessionPort, text: string): Promise<void> | undefined {
  if (text !== '') session.fault(replies.syntax)
  else if (session.secure) session.fault(replies.notNow)
  else if (!session.canStartTls) session.fault(replies.noTls)
  else return session.beginTls()
  return undefined
}

/** A command that always says the same. */
function says(code: number, text: string): Command['run'] {
  return session => {
    session.send(code, text, false)
    return undefined
  }
}

const commands: ReadonlyMap<string, Command> = new Map<string, Command>([
  ['EHLO', { mustBeLast: true, run: (session, text) => ehlo(session, 'EHLO', text) }],
  ['LHLO', { mustBeLast: true, run: (session, text) => ehlo(session, 'LHLO', text) }],
  [
    'HELO',
    {
      mustBeLast: true,
      run(session, text) {
        if (hello(session, 'HELO', text)) session.send(250, session.host.hostname, false)
        return undefined
      },
    },
  ],
  ['MAIL', { needsHello: true, run: mail }],
  ['RCPT', { needsHello: true, run: rcpt }],
  [
    'DATA',
    {
      needsHello: true,
      mustBeLast: true,
      run(session, text) {
        if (text !== '') session.fault(replies.syntax)
        else if (!session.mail.isOpen) session.fault(replies.noTransaction)
        else if (session.mail.recipients.length === 0) session.fault(replies.noRecipients)
        else session.beginMessage()
        return undefined
      },
    },
  ],
  [
    'RSET',
    {
      isIdle: true,
      run(session) {
        session.mail.reset()
        session.send(250, '2.0.0 Reset', false)
        return undefined
      },
    },
  ],
  ['NOOP', { isIdle: true, run: says(250, '2.0.0 OK') }],
  // RFC 5321 §3.5.3: 252 gives nothing away (S23).
  ['VRFY', { isIdle: true, run: says(252, '2.1.5 Send some mail, and we will see') }],
  ['EXPN', { isIdle: true, run: says(252, '2.1.5 Send some mail, and we will see') }],
  ['HELP', { isIdle: true, run: says(214, '2.0.0 EHLO MAIL RCPT DATA RSET NOOP QUIT VRFY') }],
  [
    'QUIT',
    {
      run(session) {
        session.send(221, '2.0.0 Goodbye', false)
        session.close()
        return undefined
      },
    },
  ],
  ['STARTTLS', { mustBeLast: true, run: starttls }],
  ['AUTH', { needsHello: true, mustBeLast: true, run: (_session, text, auth) => auth.begin(text) }],
])

/** The command of that name, in upper case. */
export function commandNamed(name: string): Command | undefined {
  return commands.get(name)
}
