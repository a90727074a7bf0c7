/** Places in an ascending array of UIDs, found by bisection. RFC 9051 §2.3.1.2. */

/** The first place in `uids[0, count)` whose UID is at least `uid`; `count` when there is none. */
export function lowerBound(uids: Uint32Array, count: number, uid: number): number {
  let low = 0
  let high = count
  // The last messages of a mailbox are asked for most.
  if (count > 0 && uid > (uids[count - 1] ?? 0)) return count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((uids[middle] ?? 0) < uid) low = middle + 1
    else high = middle
  }
  return low
}

/** The place of a UID; -1 when it is not there. */
export function placeOf(uids: Uint32Array, count: number, uid: number): number {
  const place = lowerBound(uids, count, uid)
  return place < count && uids[place] === uid ? place : -1
}
