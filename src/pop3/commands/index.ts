/** The table of commands. RFC 1939 §9; RFC 2449 §5; RFC 2595 §4; RFC 5034 §4; RFC 6856 §2.1. */

import type { Command } from '../command.ts'
import { auth } from './auth.ts'
import { capa } from './capa.ts'
import { dele } from './dele.ts'
import { list } from './list.ts'
import { noop } from './noop.ts'
import { pass } from './pass.ts'
import { quit } from './quit.ts'
import { retr } from './retr.ts'
import { rset } from './rset.ts'
import { stat } from './stat.ts'
import { stls } from './stls.ts'
import { top } from './top.ts'
import { uidl } from './uidl.ts'
import { user } from './user.ts'
import { utf8 } from './utf8.ts'

const rows: readonly Command[] = [user, pass, auth, stls, utf8, capa, quit, stat, list, uidl, retr, top, dele, rset, noop]

/** By keyword, in upper case. */
export const commands: ReadonlyMap<string, Command> = new Map(rows.map(row => [row.name, row]))
