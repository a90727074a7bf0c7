/** Whether two contents are the same, octet for octet, wherever they lie. */

import { quietly } from '../quietly.ts'
import { closeSync, openSync } from 'node:fs'
import { BLOCK, readFully } from './segment-format.ts'

/** Octets that can be read from any place; answers how many there were. */
export type Octets = (into: Uint8Array, at: number) => number

/** Octets in memory. */
export function inPieces(pieces: readonly Uint8Array[]): Octets {
  return (into, at) => {
    let got = 0
    let begin = 0
    for (const piece of pieces) {
      const from = Math.max(0, at + got - begin)
      const part = piece.subarray(from, from + into.length - got)
      into.set(part, got)
      got += part.length
      begin += piece.length
      if (got === into.length) break
    }
    return got
  }
}

/** Octets of an open file, from `start` on. */
export function inFile(fd: number, start: number): Octets {
  return (into, at) => readFully(fd, into, start + at)
}

/** Compares; what cannot be read is not the same. */
export function isSame(one: Octets, other: Octets, size: number): boolean {
  const left = new Uint8Array(Math.min(BLOCK, size))
  const right = new Uint8Array(left.length)
  try {
    for (let at = 0; at < size; at += BLOCK) {
      const length = Math.min(BLOCK, size - at)
      const a = left.subarray(0, length)
      const b = right.subarray(0, length)
      if (one(a, at) < length || other(b, at) < length || Buffer.compare(a, b) !== 0) return false
    }
    return true
  } catch {
    return false
  }
}

/** The same with a file that may be gone, which is no fault: it is not the same then. */
export function isSameAsFile(one: Octets, path: string, start: number, size: number): boolean {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return false
  }
  try {
    return isSame(one, inFile(fd, start), size)
  } finally {
    quietly(() => closeSync(fd))
  }
}
