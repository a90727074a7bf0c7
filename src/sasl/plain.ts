/** PLAIN: name and password in one message. RFC 4616 §2. */

import type { SaslExchange, SaslMechanism, SaslStep } from './mechanism.ts'
import { faulty } from './mechanism.ts'
import { prepareString } from './prepare.ts'
import { decodeUtf8 } from './utf8.ts'

/** The PLAIN mechanism. */
export const plain: SaslMechanism = {
  name: 'PLAIN',
  rfc: 'RFC 4616 §2',
  secretInClear: true,
  scopes: ['imap', 'pop3', 'smtp'],
  begin: () => new PlainExchange(),
}

class PlainExchange implements SaslExchange {
  #over = false

  start(initialResponse?: Uint8Array): SaslStep {
    if (initialResponse !== undefined) return this.respond(initialResponse)
    return { kind: 'challenge', octets: new Uint8Array(0) }
  }

  respond(response: Uint8Array): SaslStep {
    if (this.#over) return faulty('unexpected')
    this.#over = true
    return message(response)
  }
}

/** `message = [authzid] UTF8NUL authcid UTF8NUL passwd`. RFC 4616 §2. */
function message(octets: Uint8Array): SaslStep {
  const text = decodeUtf8(octets)
  if (text === undefined) return faulty('malformed')
  const [authzid = '', authcid, passwd, ...more] = text.split('\0')
  if (authcid === undefined || passwd === undefined || more.length > 0) return faulty('malformed')
  const username = prepareString(authcid)
  const password = prepareString(passwd)
  // "If preparation fails or results in an empty string, verification SHALL fail": such a name can never be right.
  if (username === undefined || password === undefined) return faulty('malformed')
  if (authzid === '') return { kind: 'credentials', credentials: { kind: 'password', username, password } }
  const authorizationId = prepareString(authzid)
  if (authorizationId === undefined) return faulty('malformed')
  return { kind: 'credentials', credentials: { kind: 'password', username, password, authorizationId } }
}
