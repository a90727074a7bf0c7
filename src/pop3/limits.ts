/** Every limit of the engine, with the standard's minimum and our default. RFC 1939 §3; RFC 2449 §4. */

/** Octets of a command line with its CRLF. RFC 2449 §4 asks for 255; passwords of 255 characters take more in UTF-8. */
export const COMMAND_LINE: number = 1024 + 64

/** Octets of a line that answers a SASL challenge. */
export const RESPONSE_LINE: number = 6 * 1024

/** Commands in a row that are none before the connection ends. */
export const FAULTS_IN_A_ROW: number = 20

/** Failed logins before the connection ends. */
export const FAILED_LOGINS: number = 3

/** Octets gathered before they are written to the connection. */
export const OUTPUT_CHUNK: number = 64 * 1024

/** Octets of message data that one read of the store is asked for. */
export const READ_PIECE: number = 256 * 1024

/** Octets that TOP asks for at first: the header and some lines of most messages. */
export const TOP_PIECE: number = 16 * 1024
