/** Names for messages: they stand in `Received` and `Message-ID`, so they tell nothing and never repeat. RFC 5322 §3.6.4. */

import type { Clock, Random } from '../contracts/clock.ts'

/** Octets of chance in an id, 5 bits of each. */
const OCTETS = 12
/** Ids for which chance is asked for at once: each question is a call into the system's generator. */
const AHEAD = 64
const DIGITS = '0123456789abcdefghijklmnopqrstuv'

interface Supply {
  octets: Uint8Array
  at: number
}

const supplies = new WeakMap<Random, Supply>()

/** A new id: the moment and 60 bits of chance, in letters and digits. */
export function newId(parts: { readonly clock: Clock; readonly random: Random }): string {
  let supply = supplies.get(parts.random)
  if (supply === undefined) supplies.set(parts.random, (supply = { octets: new Uint8Array(), at: 0 }))
  if (supply.at + OCTETS > supply.octets.length) {
    supply.octets = parts.random.bytes(OCTETS * AHEAD)
    supply.at = 0
  }
  let id = parts.clock.now().toString(36)
  for (const end = supply.at + OCTETS; supply.at < end; supply.at++) id += DIGITS[(supply.octets[supply.at] ?? 0) & 31]
  return id
}

/** When the id of a message was given, in milliseconds since the epoch; 0 for what is no id of ours. */
export function idMoment(id: string): number {
  const moment = /^[0-9a-z]{8,9}(?=[0-9a-v]{12}$)/.exec(id)?.[0]
  return moment === undefined ? 0 : Number.parseInt(moment, 36)
}
