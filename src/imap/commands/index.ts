/** The table of commands: a name, and what it does. RFC 9051 §6. */

import type { Command } from '../command.ts'
import { append } from './append.ts'
import { authenticate } from './authenticate.ts'
import { capability } from './capability.ts'
import { check } from './check.ts'
import { close } from './close.ts'
import { copy, uidCopy } from './copy.ts'
import { create } from './create.ts'
import { remove } from './delete.ts'
import { enable } from './enable.ts'
import { expunge, uidExpunge } from './expunge.ts'
import { fetch, uidFetch } from './fetch.ts'
import { id } from './id.ts'
import { idle } from './idle.ts'
import { list } from './list.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { lsub } from './lsub.ts'
import { move, uidMove } from './move.ts'
import { namespace } from './namespace.ts'
import { noop } from './noop.ts'
import { getQuota, getQuotaRoot } from './quota.ts'
import { rename } from './rename.ts'
import { search, uidSearch } from './search.ts'
import { examine, select } from './select.ts'
import { starttls } from './starttls.ts'
import { status } from './status.ts'
import { store, uidStore } from './store.ts'
import { subscribe, unsubscribe } from './subscribe.ts'
import { unselect } from './unselect.ts'

const ALL: readonly Command[] = [
  append,
  authenticate,
  capability,
  check,
  close,
  copy,
  create,
  remove,
  enable,
  examine,
  expunge,
  fetch,
  getQuota,
  getQuotaRoot,
  id,
  idle,
  list,
  login,
  logout,
  lsub,
  move,
  namespace,
  noop,
  rename,
  search,
  select,
  starttls,
  status,
  store,
  subscribe,
  uidCopy,
  uidExpunge,
  uidFetch,
  uidMove,
  uidSearch,
  uidStore,
  unselect,
  unsubscribe,
]

/** Every command, by its name in upper case. */
export const commands: ReadonlyMap<string, Command> = new Map(ALL.map(command => [command.name, command]))
