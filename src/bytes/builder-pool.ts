/** Builders that grew large and are not in use, for whoever has much to say next: memory that is warm costs less than new memory. */

import { ByteBuilder } from './byte-builder.ts'

/** Builders kept: as many as sessions speak at the same moment in one thread, and some for those whose peers are slow. */
const MOST = 4

/** A builder smaller than this is not worth keeping, one larger not either. */
const SMALLEST = 65_536
const LARGEST = 524_288

const spare: ByteBuilder[] = []

/** An empty builder. */
export function borrowBuilder(): ByteBuilder {
  return spare.pop() ?? new ByteBuilder()
}

/** Takes back an empty builder whose chunks nobody reads any more. */
export function returnBuilder(builder: ByteBuilder): void {
  if (spare.length >= MOST || builder.capacity < SMALLEST || builder.capacity > LARGEST) return
  builder.rewind()
  spare.push(builder)
}
