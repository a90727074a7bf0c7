/** What a status code means to somebody who writes mail, and what can be done. RFC 3463 §3; RFC 7505 §4.1; RFC 8689 §4.2.1. */

import type { DeliveryAction } from './wishes.ts'

/** For codes by subject and detail; the class says only whether it may pass. */
const BY_CODE: Readonly<Record<string, string>> = {
  '1.1':
    'There is no mailbox of that name. Check the part of the address before the @, and ask the recipient another way if it looks right.',
  '1.2': 'There is no such domain, or it takes no mail. Check the part of the address behind the @.',
  '1.3': 'The address is not written as mail addresses are. Check it for blanks, commas and quotation marks.',
  '1.4': 'The address stands for more than one mailbox there. Ask the recipient for a complete one.',
  '1.6': 'The mailbox has moved, and nobody says where to. Ask the recipient for the new address.',
  '1.7': 'Your own address was refused as a sender. Check the settings of your mail program.',
  '1.8': 'The domain of your own address was refused as a sender. Tell your postmaster.',
  '1.10': 'The domain says that it takes no mail at all. Look for another address of the recipient.',
  '2.0': 'The mailbox cannot be used. Ask the recipient another way.',
  '2.1': 'The mailbox exists but is closed at present. Ask the recipient another way.',
  '2.2': 'The mailbox is full. Send the message again when the recipient has made room.',
  '2.3': 'The message is larger than the mailbox takes. Send less, or put large files somewhere to be fetched.',
  '2.4': 'The mailing list behind the address could not be used. Tell the owner of the list.',
  '3.1': "The recipient's server has no space left. Send the message again later.",
  '3.2': "The recipient's server takes no mail at present. Send the message again later.",
  '3.3': "The recipient's server cannot do what this message needs.",
  '3.4': "The message is larger than the recipient's server takes. Send less, or put large files somewhere to be fetched.",
  '4.1': "The recipient's server does not answer.",
  '4.2': "The connection to the recipient's server broke each time.",
  '4.3': 'A directory that the delivery needs did not answer. Your postmaster can find out more.',
  '4.4': "No way to the recipient's server is known. Check the part of the address behind the @; if it is right, tell the recipient.",
  '4.5': "The recipient's server is too busy.",
  '4.6': 'The message went round in a circle: a forwarding somewhere leads back to where it came from. Tell the recipient.',
  '4.7': 'It was tried for as long as we try, without success. If the message still matters, reach the recipient another way.',
  '5.3': 'The message has more recipients than the server takes at once. Send it to fewer.',
  '6.0': 'Something in the message was refused. Look at what the server said, or send the text without attachments.',
  '6.1': "The recipient's server does not take this kind of content.",
  '6.3': "The message would have to be converted for the recipient's server, and cannot be.",
  '6.7':
    "The address or the header has letters that the recipient's server cannot handle. Ask the recipient for an address in plain letters.",
  '7.0': "The recipient's server refused the message. Look at what it said; if that is no help, ask the recipient another way.",
  '7.1':
    "The recipient's server does not take this message from you. Look at what it said; if that is no help, ask the recipient another way.",
  '7.2': 'You may not write to that mailing list.',
  '7.10': "The recipient's server asks for a kind of encryption that could not be had.",
  '7.13': "The recipient's account is closed.",
  '7.20': 'The signature of the message was missing or did not hold. Tell your postmaster.',
  '7.23': 'Your domain does not name our server among those that send for it (SPF). Tell your postmaster.',
  '7.25': 'Our server has no proper name in DNS. Tell your postmaster.',
  '7.26': "The recipient's server could not make sure that the message is yours (SPF, DKIM, DMARC). Tell your postmaster.",
  '7.27': 'Your own domain says in DNS that it takes no mail, so mail from it is refused. Tell your postmaster.',
  '7.28': "The recipient's server finds that too much mail comes from here. Send the message again later.",
  '7.29': "The message was changed on its way, and the recipient's server could not make sure that it is yours. Tell your postmaster.",
  '7.30':
    "You asked for encryption all the way, and the recipient's server does not promise it. Send the message without that wish, or not at all.",
}

/** For codes that are not listed, by subject. */
const BY_SUBJECT: Readonly<Record<string, string>> = {
  '1': 'Something is wrong with the address. Check it letter by letter.',
  '2': 'The mailbox could not be used.',
  '3': "The recipient's server could not take the message.",
  '4': "The recipient's server could not be reached.",
  '5': "Our server and the recipient's did not understand each other. Your postmaster can find out more.",
  '6': 'Something in the message was refused.',
  '7': "The recipient's server refused the message.",
}

const UNKNOWN = "The recipient's server did not take the message, and did not say why in a way that we understand."

/** One or two sentences about a status code. */
export function adviceFor(code: string, action: DeliveryAction): string {
  if (action === 'delivered') return "It is in the recipient's mailbox. That does not say that it was read."
  if (action === 'relayed')
    return 'It was handed on to a server that does not tell when it has delivered. You will hear no more unless it comes back.'
  if (action === 'expanded')
    return 'It was sent on to everybody behind this address. You may still hear from single ones whom it did not reach.'
  const [, subject = '', detail = ''] = code.split('.')
  const meaning = BY_CODE[`${subject}.${detail}`] ?? BY_SUBJECT[subject] ?? UNKNOWN
  if (action === 'failed') return meaning
  // What is only late asks for nothing: the sentence that says so comes once for all recipients.
  return firstSentence(meaning)
}

function firstSentence(text: string): string {
  const end = text.indexOf('. ')
  return end < 0 ? text : text.slice(0, end + 1)
}
