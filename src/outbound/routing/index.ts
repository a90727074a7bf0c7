/** Ways that mail takes. RFC 5321 §5. */

export type { Hop, NextServer, Route, Router, RouteRequest, RouterOptions, SourceIdentity, SourceRule, StaticRoute } from './options.ts'
export { router } from './router.ts'
export { transmitter } from './transmit.ts'
export type { TransmitterOptions } from './transmit.ts'
