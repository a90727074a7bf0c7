/** Names fit for header fields and comparisons. RFC 1123 §2.1. */

/** Whether a text can be a host's name: letters, digits, hyphens, underscores, dots; nothing that could end a line or a field. */
export function isHostName(name: string): boolean {
  return name.length <= 253 && /^(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/.test(name) && !/(?:^|\.)\d+$/.test(name)
}
