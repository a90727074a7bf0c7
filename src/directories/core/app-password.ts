/** App passwords: made here, long and random, so that a fast digest is as safe at rest as a slow one. */

import { createHash, randomBytes } from 'node:crypto'

/** 32 characters that are not mistaken for one another. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789'
const CHARACTERS = 24

/** A new app password: 120 bits of chance in groups of six, without spaces (some clients cut them off). */
export function newAppPassword(): string {
  const characters = Array.from(randomBytes(CHARACTERS), octet => ALPHABET.charAt(octet & 31)).join('')
  return characters.replace(/.{6}(?!$)/g, '$&-')
}

/**
 * What is kept of it. A slow hash protects passwords that can be guessed; 2^120 guesses protect themselves, and an account
 * with ten app passwords must not cost ten slow hashes at each login.
 */
export function appPasswordDigest(account: string, password: string): string {
  return createHash('sha256').update(`mailwright app password\0${account}\0${password}`).digest('base64')
}
