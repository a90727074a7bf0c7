/** What patience is left when connections run short: clients that only wait make room for others. RFC 5321 §4.5.3.2, §7.8; S26. */

/** Milliseconds that an engine waits at most, under stress, for somebody it does not know. */
export const STRESSED_PATIENCE = 10_000

/** The patience of calm days, or what stress leaves of it; both in milliseconds. */
export function patienceOf(host: { readonly isStressed: boolean }, calm: number): number {
  return host.isStressed ? Math.min(calm, STRESSED_PATIENCE) : calm
}
