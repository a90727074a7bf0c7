/** Properties over data that is made up, the same in every run: a fault shows where it was made, not in somebody else's run some day. */
import fc from 'fast-check'

/** For other data than usual: `FAST_CHECK_SEED=$RANDOM npm run test:unit`. */
const seed = Number(process.env['FAST_CHECK_SEED'] ?? 5321)
fc.configureGlobal({ seed })

export { fc }
