/** SASL mechanisms as small state machines, and the table that engines offer from. RFC 4422 §3. */

export { decodeBase64, encodeBase64 } from './base64.ts'
export { SaslDialogue } from './dialogue.ts'
export type { SaslTurn } from './dialogue.ts'
export { login } from './login.ts'
export type { SaslExchange, SaslFault, SaslMechanism, SaslStep } from './mechanism.ts'
export { findMechanism, offeredMechanisms, saslMechanisms } from './mechanisms.ts'
export type { OfferFacts } from './mechanisms.ts'
export { plain } from './plain.ts'
export { prepareString } from './prepare.ts'
