/** The networks that one subscriber usually holds: what limits are counted by. RFC 4291 §2.5.4; RFC 4632. */

/** An IPv4 address and its /24, or an IPv6 address's /64; empty for a Unix socket and for this machine, where many share one address. */
export function networksOf(address: string): readonly string[] {
  if (address === '' || address === '::1' || address.startsWith('127.')) return []
  if (!address.includes(':')) return [address, `${address.slice(0, address.lastIndexOf('.'))}.0/24`]
  const [head = '', tail = ''] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === '' ? [] : tail.split(':')
  while (address.includes('::') && groups.length + rest.length < 8) groups.push('0')
  const first = [...groups, ...rest].slice(0, 4).map(group => Number.parseInt(group, 16).toString(16))
  return [`${first.join(':')}::/64`]
}
