/** The page that a personal server prints: how to connect a client, and how to send a first message. RFC 8314 §3; RFC 6186 §2. */

import type { DoorName } from './doors.ts'

/** What the page is about. */
export interface GuideFacts {
  readonly user: string
  /** Known only when it was just made or given. */
  readonly password: string | undefined
  readonly firstStart: boolean
  readonly ports: { readonly [Name in DoorName]?: number }
  /** File of the development certificate, when that is what is used. */
  readonly certificateFile: string | undefined
  readonly dataFolder: string
  readonly allowPlaintextLogin: boolean
  readonly domain: string
  /** Absent: the server does not send. */
  readonly sending: { readonly records: string; readonly newKeys: boolean } | undefined
}

/** The page. Every line of it can be copied and works. */
export function connectionGuide(facts: GuideFacts): string {
  const { user, ports } = facts
  const trust = facts.certificateFile === undefined ? '' : ` --cacert ${shellWord(facts.certificateFile)}`
  const encrypted = ports.imaps ?? ports.pop3s ?? ports.submissions
  return [
    '',
    `  Your mail server is running, for ${user}.`,
    '',
    ...passwordLines(facts),
    '',
    '  Connect a mail client (any computer program that reads mail: Thunderbird, mutt, ...)',
    '',
    `    user name          ${user}`,
    ...row('incoming, IMAP', [
      [ports.imaps, 'SSL/TLS'],
      [ports.imap, 'STARTTLS'],
    ]),
    ...row('incoming, POP3', [
      [ports.pop3s, 'SSL/TLS'],
      [ports.pop3, 'STARTTLS'],
    ]),
    ...row('outgoing, SMTP', [
      [ports.submissions, 'SSL/TLS'],
      [ports.submission, 'STARTTLS'],
    ]),
    ...(facts.allowPlaintextLogin ? ['    On this machine logins without TLS are allowed too (--allow-plaintext-login).'] : []),
    ...(facts.certificateFile === undefined || encrypted === undefined
      ? []
      : [
          '',
          '    The certificate is a development certificate made on this machine; your client will ask',
          '    whether to trust it. It lies in',
          `    ${facts.certificateFile}`,
        ]),
    '',
    '  Send yourself a test message, as another mail server would',
    '',
    ...(ports.smtp === undefined
      ? []
      : [
          `    swaks --server 127.0.0.1:${ports.smtp} --from friend@example.net --to ${user}`,
          `    printf 'From: friend@example.net\\r\\nSubject: Hello\\r\\n\\r\\nIt works.\\r\\n' | curl smtp://127.0.0.1:${ports.smtp} --mail-from friend@example.net --mail-rcpt ${user} -T -`,
        ]),
    '',
    '  Read it (curl asks for the password)',
    '',
    ...(ports.imaps === undefined ? [] : [`    curl${trust} --user ${user} 'imaps://localhost:${ports.imaps}/INBOX;MAILINDEX=*'`]),
    ...(ports.pop3s === undefined ? [] : [`    curl${trust} --user ${user} pop3s://localhost:${ports.pop3s}/1`]),
    '',
    `  Mail is kept in ${facts.dataFolder} and is there again after a restart.`,
    ...sendingLines(facts),
    '  Press Ctrl-C to stop.',
    '',
  ].join('\n')
}

function sendingLines({ sending, domain, dataFolder }: GuideFacts): readonly string[] {
  if (sending === undefined) return ['  Mail to addresses elsewhere is not sent: this server has no way out.']
  const dns = `npx mailwright dns ${domain} --data ${shellWord(dataFolder)}`
  const doctor = `npx mailwright doctor ${domain} --data ${shellWord(dataFolder)}`
  const queue = `npx mailwright queue list --data ${shellWord(dataFolder)}`
  const hints = [
    '  Mail to addresses elsewhere is sent, and signed. Others take it once DNS knows this server:',
    '',
    `    ${dns.padEnd(58)}  what to publish`,
    `    ${doctor.padEnd(58)}  what is wrong or missing`,
    `    ${queue.padEnd(58)}  what waits to leave`,
    '',
  ]
  return sending.newKeys
    ? [
        ...hints,
        ...sending.records
          .trimEnd()
          .split('\n')
          .map(line => (line === '' ? '' : `  ${line}`)),
        '',
      ]
    : hints
}

function passwordLines(facts: GuideFacts): readonly string[] {
  if (facts.password === undefined) {
    return [
      '    The password was shown on the first start and is kept only as a hash. To set another:',
      `    npx mailwright user password ${facts.user} --data ${shellWord(facts.dataFolder)}`,
    ]
  }
  return facts.firstStart
    ? [`    password           ${facts.password}`, '    Write it down: it is not shown again.']
    : [`    password           ${facts.password}`]
}

function row(label: string, doors: readonly (readonly [number | undefined, string])[]): readonly string[] {
  const open = doors.flatMap(([port, security]) => (port === undefined ? [] : [`port ${port} with ${security}`]))
  return open.length === 0 ? [] : [`    ${label.padEnd(18)} localhost, ${open.join(', or ')}`]
}

function shellWord(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
