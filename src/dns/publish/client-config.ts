/** Pages from which mail clients set themselves up: the two forms that clients ask for. RFC 6186 §2; RFC 8314 §5.1. */

/** Ports that clients use; a door that is not there is not named. */
export interface ClientPorts {
  readonly submissions?: number
  readonly submission?: number
  readonly imaps?: number
  readonly imap?: number
  readonly pop3s?: number
  readonly pop3?: number
}

type Direction = 'incomingServer' | 'outgoingServer'
type Row = readonly [door: keyof ClientPorts, direction: Direction, protocol: string, security: 'SSL' | 'STARTTLS']

/** In the order in which clients should try: TLS from the start first (RFC 8314 §4.1), IMAP before POP3. */
const ROWS: readonly Row[] = [
  ['imaps', 'incomingServer', 'imap', 'SSL'],
  ['imap', 'incomingServer', 'imap', 'STARTTLS'],
  ['pop3s', 'incomingServer', 'pop3', 'SSL'],
  ['pop3', 'incomingServer', 'pop3', 'STARTTLS'],
  ['submissions', 'outgoingServer', 'smtp', 'SSL'],
  ['submission', 'outgoingServer', 'smtp', 'STARTTLS'],
]

/** Thunderbird's `config-v1.1.xml`; `%EMAILADDRESS%` is for the client to fill in. */
export function autoconfigXml(domain: string, host: string, ports: ClientPorts): string {
  const servers = ROWS.flatMap(([door, direction, protocol, security]) => {
    const port = ports[door]
    if (port === undefined) return []
    return [
      `    <${direction} type="${protocol}">`,
      `      <hostname>${xmlText(host)}</hostname>`,
      `      <port>${port}</port>`,
      `      <socketType>${security}</socketType>`,
      '      <authentication>password-cleartext</authentication>',
      '      <username>%EMAILADDRESS%</username>',
      `    </${direction}>`,
    ]
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<clientConfig version="1.1">',
    `  <emailProvider id="${xmlText(domain)}">`,
    `    <domain>${xmlText(domain)}</domain>`,
    `    <displayName>${xmlText(domain)}</displayName>`,
    `    <displayShortName>${xmlText(domain)}</displayShortName>`,
    ...servers,
    '  </emailProvider>',
    '</clientConfig>',
    '',
  ].join('\n')
}

/** Outlook's answer to a POST of `autodiscover.xml`, the same for every account: the client keeps the address it asked with as user name. */
export function autodiscoverXml(host: string, ports: ClientPorts): string {
  const protocols = ROWS.flatMap(([door, , protocol, security]) => {
    const port = ports[door]
    if (port === undefined) return []
    return [
      '      <Protocol>',
      `        <Type>${protocol.toUpperCase()}</Type>`,
      `        <Server>${xmlText(host)}</Server>`,
      `        <Port>${port}</Port>`,
      `        <SSL>${security === 'SSL' ? 'on' : 'off'}</SSL>`,
      `        <Encryption>${security === 'SSL' ? 'SSL' : 'TLS'}</Encryption>`,
      '        <SPA>off</SPA>',
      '        <AuthRequired>on</AuthRequired>',
      '      </Protocol>',
    ]
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">',
    '  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">',
    '    <Account>',
    '      <AccountType>email</AccountType>',
    '      <Action>settings</Action>',
    ...protocols,
    '    </Account>',
    '  </Response>',
    '</Autodiscover>',
    '',
  ].join('\n')
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
