/** The hosts that a text names in its links: one pass, linear, bounded. RFC 3986 §3.2. */

/** Ends an authority in running text. */
const END = /[\s/?#"'<>()[\]{}|\\^`]/
const LONGEST_AUTHORITY = 600
const LABELS = /^(?=.{1,253}$)[\p{L}\p{M}\p{N}_-]{1,63}(?:[.。．｡][\p{L}\p{M}\p{N}_-]{1,63})+$/u

/** Hosts of `scheme://host` and `www.host` in a text, as they are written, lower case, at most `most` different ones. */
export function hostsIn(text: string, most: number): readonly string[] {
  const found = new Set<string>()
  for (let at = text.indexOf('://'); at >= 0 && found.size < most; at = text.indexOf('://', at + 3)) {
    const host = hostAt(text, at + 3)
    if (host !== undefined) found.add(host)
  }
  const lower = text.toLowerCase()
  for (let at = lower.indexOf('www.'); at >= 0 && found.size < most; at = lower.indexOf('www.', at + 4)) {
    if (at > 0 && /[\p{L}\p{N}.@/-]/u.test(lower[at - 1] ?? '')) continue
    const host = hostAt(lower, at)
    if (host !== undefined) found.add(host)
  }
  return [...found]
}

/** The host of a link as HTML has it; `undefined` for one that leads nowhere else. */
export function hostOfLink(link: string): string | undefined {
  const at = link.indexOf('//')
  return at < 0 || at > 30 ? undefined : hostAt(link, at + 2)
}

function hostAt(text: string, from: number): string | undefined {
  // The slice bounds how far the search can run: a text without an end is not read again and again.
  const rest = text.slice(from, from + LONGEST_AUTHORITY)
  const end = rest.search(END)
  const authority = end < 0 ? rest : rest.slice(0, end)
  // RFC 3986 §3.2.1: what stands before the last "@" only looks like the host.
  const [host = ''] = authority.slice(authority.lastIndexOf('@') + 1).split(':', 1)
  let name = decoded(host).toLowerCase()
  let ends = name.length
  while (ends > 0 && '.,;!'.includes(name[ends - 1] ?? '')) ends--
  name = name.slice(0, ends)
  return LABELS.test(name) ? name.replaceAll(/[。．｡]/g, '.') : undefined
}

function decoded(host: string): string {
  if (!host.includes('%')) return host
  try {
    return decodeURIComponent(host)
  } catch {
    return host
  }
}
