/** What the command line understands, as it is printed. */

/** The help text. */
export const USAGE: string = `Usage: mailwright COMMAND [options]

  user add ADDRESS          make an account; its password is read from stdin
  user list                 all accounts
  user password ADDRESS     set a password, read from stdin
  user disable ADDRESS      no logins and no mail until enabled again
  user enable ADDRESS
  user remove ADDRESS       remove the account; its mail stays in the store
  alias set ADDRESS TARGET… send an address on; @DOMAIN is the catch-all
  alias list
  alias remove ADDRESS
  domain add DOMAIN         receive mail for a domain
  domain list
  serve                     run the server in the foreground
  verify                    look for damage; --deep reads every octet
  doctor                    look at the folder, free space, mail, accounts and certificate
  rebuild                   make the summaries of all messages again
  backup FOLDER             copy mail and accounts into a new folder while the server runs

  --data DIR                folder of the server (default ./data)
  --json                    one JSON value a line instead of words
  --help                    this text

Exit codes: 0 done, 1 failed or something is not well, 2 wrong usage.
`

/** The command line was not understood; answered with exit code 2. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError'
}
