/**
 * LOGIN: name and password, each asked for. Never became an RFC (draft-murchison-sasl-login-00); kept for Outlook and the
 * many clients that know nothing else.
 */

import type { SaslExchange, SaslMechanism, SaslStep } from './mechanism.ts'
import { faulty } from './mechanism.ts'
import { prepareString } from './prepare.ts'
import { decodeUtf8, encodeUtf8 } from './utf8.ts'

/** The LOGIN mechanism. */
export const login: SaslMechanism = {
  name: 'LOGIN',
  rfc: 'draft-murchison-sasl-login-00',
  secretInClear: true,
  scopes: ['imap', 'pop3', 'smtp'],
  begin: () => new LoginExchange(),
}

class LoginExchange implements SaslExchange {
  #username: string | undefined
  #asked: 'username' | 'password' | 'nothing' = 'username'

  start(initialResponse?: Uint8Array): SaslStep {
    // Outlook sends the name along with the command.
    if (initialResponse !== undefined) return this.respond(initialResponse)
    return challenge('Username:')
  }

  respond(response: Uint8Array): SaslStep {
    const asked = this.#asked
    if (asked === 'nothing') return faulty('unexpected')
    const text = decodeUtf8(response)
    const answer = text === undefined ? undefined : prepareString(text)
    if (answer === undefined) {
      this.#asked = 'nothing'
      return faulty('malformed')
    }
    if (asked === 'username') {
      this.#username = answer
      this.#asked = 'password'
      return challenge('Password:')
    }
    this.#asked = 'nothing'
    return { kind: 'credentials', credentials: { kind: 'password', username: this.#username ?? '', password: answer } }
  }
}

function challenge(text: string): SaslStep {
  return { kind: 'challenge', octets: encodeUtf8(text) }
}
