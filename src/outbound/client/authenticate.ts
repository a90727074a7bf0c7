/** Logging in to a smarthost. RFC 4954 §4; RFC 4616 §2; LOGIN as draft-murchison-sasl-login-00 has it. */

import { encodeBase64, utf8Bytes } from '../../bytes/ascii.ts'
import type { Capabilities } from './capabilities.ts'
import type { Reply } from './reply.ts'
import type { Wire } from './wire.ts'

/** Name and password for a smarthost. */
export interface Credentials {
  readonly username: string
  readonly password: string
  /** Sends them over a connection without TLS too. Default `false`. RFC 4954 §4. */
  readonly inClear?: boolean
}

/** Logs in; answers the reply that refused it, a text when there was nothing to try, `undefined` when it is done. */
export async function authenticate(
  wire: Wire,
  hop: Capabilities,
  credentials: Credentials,
  encrypted: boolean,
): Promise<Reply | string | undefined> {
  if (!encrypted && credentials.inClear !== true) return 'the password is not sent without TLS'
  const { username, password } = credentials
  if (hop.auth.has('PLAIN')) return accepted(await plain(wire, username, password))
  if (hop.auth.has('LOGIN')) return accepted(await login(wire, username, password))
  return 'the server offers neither PLAIN nor LOGIN'
}

function accepted(reply: Reply): Reply | undefined {
  return reply.code === 235 ? undefined : reply
}

async function plain(wire: Wire, username: string, password: string): Promise<Reply> {
  const message = encodeBase64(utf8Bytes(`\0${username}\0${password}`))
  // RFC 4954 §4: an initial response that makes the line longer than 512 octets is sent after the challenge instead.
  if (message.length <= 498) return ask(wire, `AUTH PLAIN ${message}`)
  const challenge = await ask(wire, 'AUTH PLAIN')
  return challenge.code === 334 ? ask(wire, message) : challenge
}

async function login(wire: Wire, username: string, password: string): Promise<Reply> {
  let reply = await ask(wire, 'AUTH LOGIN')
  for (const answer of [username, password]) {
    if (reply.code !== 334) return reply
    reply = await ask(wire, encodeBase64(utf8Bytes(answer)))
  }
  return reply
}

function ask(wire: Wire, line: string): Promise<Reply> {
  void wire.send(line)
  return wire.reply(wire.limits.helloMs)
}
