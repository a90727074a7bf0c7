/**
 * DKIM without a network or a clock: canonical forms, body hashes, signatures made ready and verified, keys and their records.
 * RFC 6376; RFC 8301; RFC 8463; RFC 8617.
 */

export { arcSets, MOST_ARC_SETS, readChain, sealInput } from './arc-chain.ts'
export type { ArcSet, ChainState, ReadableChain, Seal } from './arc-chain.ts'
export { verifyChain } from './arc-verify.ts'
export type { ChainResult } from './arc-verify.ts'
export { BodyHasher } from './body-hash.ts'
export type { BodyHash, BodyHashRequest } from './body-hash.ts'
export { bodyCanonicaliser } from './canonical-body.ts'
export type { BodyCanonicaliser, CanonicalSink } from './canonical-body.ts'
export { canonicalField, canonicalSignature, chosenFields } from './canonical-header.ts'
export type { Canonicalization } from './canonical-header.ts'
export { fieldValue, headerLength, readSignableHeader } from './header-block.ts'
export type { SignableField, SignableHeader } from './header-block.ts'
export { KeyCache, MINIMUM_RSA_BITS, parseKeyRecord } from './key-record.ts'
export type { KeyFault, KeyRecord, KeyType } from './key-record.ts'
export { generateKey, keyRecordName, keyRecordText, txtStrings } from './keys.ts'
export type { GeneratedKey } from './keys.ts'
export { foldedTags, signedField, unsignedSignature } from './sign.ts'
export type { SignatureContent, UnsignedField } from './sign.ts'
export { bodyRequest, parseSignature } from './signature.ts'
export type { FaultySignature, Signature, SignatureFault } from './signature.ts'
export { parseTagList } from './tag-list.ts'
export type { TagList } from './tag-list.ts'
export { headerInput, signed, verifySignature } from './verify.ts'
export type { KeyLookup, SignatureReason, SignatureResult, SignatureVerdict, VerifyContext } from './verify.ts'
