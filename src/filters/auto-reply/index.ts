/** Answers for who is away, once to each sender. RFC 3834; RFC 5230. */

export { autoReplies } from './auto-reply.ts'
export type { AnsweredMessage, AutoAnswer, AutoRepliesOptions, AutoReplyMail } from './auto-reply.ts'
