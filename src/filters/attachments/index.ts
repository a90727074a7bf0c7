/** What may be attached: a policy by name, content and archives' lists. */

export { attachments } from './attachments.ts'
export type { AttachmentAction, AttachmentOptions } from './attachments.ts'
export { DANGEROUS_EXTENSIONS } from './names.ts'
