/** LIST: the mailboxes whose names match. RFC 9051 §6.3.9; RFC 5258; RFC 5819; RFC 6154 §2. */

import { ok } from '../codes.ts'
import { command, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { matchesPattern } from '../list-match.ts'
import { addSuperiors, mailboxTree, type TreeNode } from '../mailbox-tree.ts'
import { patternFrom } from '../names.ts'
import { AUTHENTICATED } from '../state.ts'
import { tellStatus } from '../status.ts'
import { listArguments, type ListArguments } from '../wire/list-arguments.ts'

/** LIST. RFC 9051 §6.3.9. */
export const list: Command = command({
  name: 'LIST',
  rfc: 'RFC 9051 §6.3.9',
  states: AUTHENTICATED,
  parse: listArguments,
  async run(context, args) {
    // RFC 9051 §6.3.9: an empty name asks for the delimiter.
    if (!args.isExtended && args.patterns[0] === '') {
      context.out.untagged('LIST (\\Noselect) "/" ""')
      return ok('Listed')
    }
    const { hub, account } = context.mail
    const needsSubscriptions = args.subscribedOnly || args.returnSubscribed
    const subscriptions = needsSubscriptions ? await account.subscriptions() : []
    const patterns = args.patterns.flatMap(pattern => patternFrom(args.reference + pattern, context.nameForm) ?? [])
    const matching: TreeNode[] = []
    const aboveHidden = new Set<string>()
    for (const node of mailboxTree(await hub.mailboxes(), subscriptions)) {
      const pause = context.pause()
      if (pause !== undefined) await pause
      if (patterns.some(pattern => matchesPattern(node.name, pattern))) matching.push(node)
      else if (node.isSubscribed) addSuperiors(aboveHidden, node.name)
    }
    for (const node of matching) {
      const pause = context.pause()
      if (pause !== undefined) await pause
      if (!isSelected(node, args, aboveHidden)) continue
      tellMailbox(context, node, args)
      // RFC 5819 §2: none for what is listed only because of those below it.
      if (args.status.length > 0 && node.info !== undefined && (!args.subscribedOnly || node.isSubscribed))
        await tellStatus(context, node.info, args.status)
    }
    return ok('Listed')
  },
})

function isSelected(node: TreeNode, args: ListArguments, aboveHidden: ReadonlySet<string>): boolean {
  if (args.specialUseOnly && node.info?.specialUse === undefined) return false
  // RFC 9051 §6.3.9.6: a name that stands for those below it is left out where all of them are listed.
  if (args.subscribedOnly) return node.isSubscribed || (args.recursiveMatch && aboveHidden.has(node.name))
  return node.info !== undefined || node.hasChildren
}

function tellMailbox(context: Context, node: TreeNode, args: ListArguments): void {
  const attributes = attributesOf(node)
  if (node.info === undefined) attributes.unshift(args.isExtended || context.enabled.rev2 ? '\\NonExistent' : '\\Noselect')
  if ((args.returnSubscribed || args.subscribedOnly) && node.isSubscribed) attributes.push('\\Subscribed')
  const { out } = context
  out.text(`* LIST (${attributes.join(' ')}) "/" `).mailbox(node.name, context.nameForm)
  // RFC 9051 §6.3.9.6: why a mailbox that is not subscribed itself is listed all the same.
  if (args.recursiveMatch && node.hasSubscribedChild) out.text(' (CHILDINFO ("SUBSCRIBED"))')
  out.text('\r\n')
}

/** `\HasChildren` and the special use. */
export function attributesOf(node: TreeNode): string[] {
  const attributes = [node.hasChildren ? '\\HasChildren' : '\\HasNoChildren']
  if (node.info?.specialUse !== undefined) attributes.push(`\\${node.info.specialUse}`)
  return attributes
}
