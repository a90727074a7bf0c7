/** The composition root: a mail server from options, and a whole personal one from a folder. RFC 5321 §3.1; RFC 8314 §3. */

export type { DoorName, DoorOptions, Doors } from './doors.ts'
export { createMailServer } from './mail-server.ts'
export type { MailServer, OpenDoor } from './mail-server.ts'
export { addMailAccount, firstMailboxes } from './new-account.ts'
export type { MailServerOptions } from './options.ts'
export type { ServerOutboundOptions } from './outbound.ts'
export { DEFAULT_DATA, PERSONAL_COMMAND, personalOptions, smarthostLogin, tellOperator, wayOut } from './personal-command.ts'
export type { CommandOption } from './personal-command.ts'
export type { PersonalFilterOptions } from './personal-filters.ts'
export type { PersonalOutboundOptions, Smarthost } from './personal-outbound.ts'
export { PERSONAL_PORTS, personalFiles, personalServer } from './personal.ts'
export type { PersonalFiles, PersonalServer, PersonalServerOptions } from './personal.ts'
