/** AUTH: an exchange of SASL, line by line. RFC 4954 §4, §6. */

import { findMechanism, offeredMechanisms, SaslDialogue } from '../sasl/index.ts'
import type { SaslMechanism, SaslTurn } from '../sasl/index.ts'
import { MAX_FAILED_LOGINS } from './options.ts'
import { refusalOf, replies } from './replies.ts'
import type { AuthPort, SessionPort } from './session-port.ts'

/** The mechanisms that a connection is offered now. */
export function offersOf(session: SessionPort): readonly SaslMechanism[] {
  if (!session.settings.auth || session.live.principal !== undefined) return []
  return offeredMechanisms({ scope: 'smtp', secretsAllowed: session.secretsAllowed })
}

/** The logins of one connection. */
export class Authentication implements AuthPort {
  readonly #session: SessionPort
  #dialogue: SaslDialogue | undefined
  #mechanism = ''
  #failures = 0

  constructor(session: SessionPort) {
    this.#session = session
  }

  /** Whether the next line belongs to an exchange. */
  get isRunning(): boolean {
    return this.#dialogue !== undefined
  }

  /** A line that is none ends the exchange. */
  forget(): void {
    this.#dialogue = undefined
  }

  begin(text: string): Promise<void> | undefined {
    const session = this.#session
    const [name = '', initial, ...more] = text.split(' ')
    if (!session.settings.auth) session.fault(replies.unknownCommand)
    else if (!session.secretsAllowed) session.fault(replies.tlsForLogin)
    else if (session.live.principal !== undefined || session.mail.isOpen) session.fault(replies.notNow)
    else if (name === '' || more.length > 0) session.fault(replies.syntax)
    else {
      const mechanism = findMechanism(name, offersOf(session))
      if (mechanism === undefined) {
        session.fault(replies.noMechanism)
        return undefined
      }
      this.#mechanism = mechanism.name
      const dialogue = new SaslDialogue(mechanism)
      return this.#turn(dialogue, dialogue.start(initial === undefined ? undefined : new TextEncoder().encode(initial)))
    }
    return undefined
  }

  /** The client's answer to a challenge. */
  respond(line: Uint8Array): Promise<void> | undefined {
    const dialogue = this.#dialogue
    this.#dialogue = undefined
    return dialogue === undefined ? undefined : this.#turn(dialogue, dialogue.respond(line))
  }

  #turn(dialogue: SaslDialogue, turn: SaslTurn): Promise<void> | undefined {
    switch (turn.kind) {
      case 'challenge':
        this.#dialogue = dialogue
        this.#session.send(334, turn.text, false)
        return undefined
      case 'credentials':
        return this.#check(turn.credentials)
      case 'cancelled':
        this.#session.fault(replies.cancelled)
        return undefined
      case 'fault':
        this.#session.fault(replies.badSasl)
        return undefined
    }
  }

  async #check(credentials: Extract<SaslTurn, { readonly kind: 'credentials' }>['credentials']): Promise<void> {
    const { host, live } = this.#session
    const outcome = await host.login(live, this.#mechanism, credentials)
    if (outcome.ok) {
      this.#session.say({ code: 235, enhanced: '2.7.0', text: 'Authentication successful' })
      return
    }
    const refusal = refusalOf(outcome.verdict, 'login') ?? replies.problem
    // A directory that cannot be asked is no failed login.
    if (refusal.code === 535 && ++this.#failures >= MAX_FAILED_LOGINS) this.#session.say(replies.tooManyLogins)
    else this.#session.say(refusal)
  }
}
