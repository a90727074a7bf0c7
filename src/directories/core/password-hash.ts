/** Passwords at rest: argon2id in PHC strings, made and checked off the main thread; scrypt is read too. RFC 9106 §4; RFC 7914 §2. */

import { argon2, randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { MailError } from '../../contracts/index.ts'

/** What a hash costs whoever makes it. */
export interface HashCost {
  /** Memory in KiB, at least 8. Default 19,456 (19 MiB). */
  readonly memory?: number
  /** Passes over the memory. Default 2. */
  readonly passes?: number
}

/** The cost of new hashes: about 40 ms and 19 MiB each. */
export const DEFAULT_COST: Required<HashCost> = Object.freeze({ memory: 19_456, passes: 2 })

const PARALLELISM = 1
const SALT_OCTETS = 16
const TAG_OCTETS = 32

/** Bounds on what a stored hash may ask of us, so that an imported one cannot stop the server. */
const MAX_MEMORY = 262_144
const MAX_PASSES = 16
const MAX_PARALLELISM = 16

const argon2Async = promisify(argon2)

interface ParsedHash {
  readonly salt: Buffer
  readonly tag: Buffer
  /** The tag that a password gives under the same parameters. */
  derive(password: string): Promise<Buffer>
  /** Whether its cost is that of new hashes. */
  isCurrent(cost: Required<HashCost>): boolean
}

/** A PHC string for a prepared password, with a salt of its own. */
export async function hashPassword(password: string, cost: Required<HashCost>): Promise<string> {
  const salt = randomBytes(SALT_OCTETS)
  const tag = await argon2id(password, salt, TAG_OCTETS, cost.memory, cost.passes, PARALLELISM)
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${PARALLELISM}$${unpadded(salt)}$${unpadded(tag)}`
}

/** Whether a prepared password gives this hash. A stored string that is no hash of ours throws `corrupt`. */
export async function checkPassword(password: string, phc: string): Promise<boolean> {
  const hash = parse(phc)
  const tag = await hash.derive(password)
  return tag.length === hash.tag.length && timingSafeEqual(tag, hash.tag)
}

/** Whether a hash has another algorithm or cost than new ones have, and should be made anew at the next chance. */
export function isOutdated(phc: string, cost: Required<HashCost>): boolean {
  return !parse(phc).isCurrent(cost)
}

/** A hash that no password gives, with the cost of a real one: work for names that are not there. */
export function decoyHash(cost: Required<HashCost>): string {
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${PARALLELISM}$${unpadded(randomBytes(SALT_OCTETS))}$${unpadded(randomBytes(TAG_OCTETS))}`
}

/** Throws `invalid` for text that {@link checkPassword} could not read. */
export function assertReadable(phc: string): void {
  try {
    parse(phc)
  } catch (cause) {
    throw new MailError('invalid', 'not a password hash in PHC form (argon2id or scrypt)', { cause })
  }
}

function argon2id(
  password: string,
  nonce: Buffer,
  tagLength: number,
  memory: number,
  passes: number,
  parallelism: number,
): Promise<Buffer> {
  return argon2Async('argon2id', { message: password, nonce, parallelism, tagLength, memory, passes })
}

function parse(phc: string): ParsedHash {
  const argon = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([\w+/]{11,86})\$([\w+/]{16,86})$/.exec(phc)
  if (argon !== null) {
    const [, m, t, p, saltText = '', tagText = ''] = argon
    const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)]
    const bearable = memory >= 8 * parallelism && memory <= MAX_MEMORY && passes >= 1 && passes <= MAX_PASSES
    if (!bearable || parallelism < 1 || parallelism > MAX_PARALLELISM)
      throw new MailError('corrupt', 'an argon2id hash with parameters out of bounds')
    const [salt, tag] = [Buffer.from(saltText, 'base64'), Buffer.from(tagText, 'base64')]
    return {
      salt,
      tag,
      derive: password => argon2id(password, salt, tag.length, memory, passes, parallelism),
      isCurrent: cost => memory === cost.memory && passes === cost.passes && parallelism === PARALLELISM,
    }
  }
  const older = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]{11,86})\$([\w+/]{16,86})$/.exec(phc)
  if (older === null) throw new MailError('corrupt', 'a stored password hash of no known form')
  const [, ln, r, p, saltText = '', tagText = ''] = older
  const [N, blockSize, parallelization] = [2 ** Number(ln), Number(r), Number(p)]
  const memory = 128 * N * blockSize
  if (N < 2 || blockSize < 1 || parallelization < 1 || parallelization > MAX_PARALLELISM || memory > MAX_MEMORY * 1024) {
    throw new MailError('corrupt', 'a scrypt hash with parameters out of bounds')
  }
  const [salt, tag] = [Buffer.from(saltText, 'base64'), Buffer.from(tagText, 'base64')]
  return {
    salt,
    tag,
    derive: password => scryptTag(password, salt, tag.length, { N, r: blockSize, p: parallelization, maxmem: memory * 2 + 1_048_576 }),
    isCurrent: () => false,
  }
}

function scryptTag(
  password: string,
  salt: Buffer,
  length: number,
  options: { readonly N: number; readonly r: number; readonly p: number; readonly maxmem: number },
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, tag) => (error === null ? resolve(tag) : reject(error)))
  })
}

/** Base64 without padding, as PHC strings have it. */
function unpadded(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64').replace(/=+$/, '')
}
