// SPDX-License-Identifier: Apache-2.0
// Images as app, CLI and renderer see them.
import { z } from 'zod'
import { SHA256_DIGEST } from './digest-form'

export const digestSchema = z.string().regex(SHA256_DIGEST)

/** The subset of an OCI image config we act on (image-spec, config.md). */
export interface ImageConfig {
  readonly entrypoint: readonly string[]
  readonly cmd: readonly string[]
  /** NAME=value, in the image's order. */
  readonly env: readonly string[]
  readonly workdir: string
  readonly user: string
  /** TCP ports the image says it serves. */
  readonly exposedPorts: readonly number[]
  readonly stopSignal: string
}

export interface ImageLayer {
  /** Digest of the uncompressed tar: the layer's name in the store. */
  readonly diffId: string
  /** Bytes of the compressed blob, as the manifest says. */
  readonly blobSize: number
  /** Bytes it takes on disk here. */
  readonly sizeOnDisk: number
  readonly entries: number
  /** The command that made it, from the config's history; '' if unknown. */
  readonly createdBy: string
}

export interface ImageView {
  /** Shortest name that means it: "starter", "debian:bookworm", "ghcr.io/acme/worker:1.4". */
  readonly reference: string
  /** Digest of the platform's manifest. */
  readonly digest: string
  readonly platform: string
  readonly layers: readonly ImageLayer[]
  readonly config: ImageConfig
  /** Bytes on disk of all layers; of those no other image has. */
  readonly size: number
  readonly ownSize: number
  /** Milliseconds since the epoch. */
  readonly createdAt?: number
  readonly pulledAt: number
  readonly lastUsedAt?: number
  /** Ships with the app; cannot be removed for good. */
  readonly builtIn: boolean
}

/** What is known of an image without a look at the others. */
export type ImageFacts = Omit<ImageView, 'ownSize'>

/** An OCI layout; that and what `docker load` reads; the files alone. */
export const exportFormats = ['oci', 'docker', 'rootfs'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** A disk image that is here, as raw bytes: of a URL, or of a file that was imported. */
export interface DiskImageView {
  /** The URL, or the file's absolute path. */
  readonly source: string
  /** The raw disk: read-only, a multiple of 512 bytes, sparse. */
  readonly path: string
  /** Of the raw disk. */
  readonly digest: string
  readonly sizeBytes: number
  /** Bytes on disk, without holes. */
  readonly sizeOnDisk: number
  /** Of the file as it is published: SHA-256 as 64 hex digits, and bytes. */
  readonly sha256: string
  readonly packedBytes: number
  readonly compression: 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'
  /** Milliseconds since the epoch. */
  readonly fetchedAt: number
  readonly lastUsedAt: number
}

/** What pruning took away, or would. */
export interface PruneReport {
  /** Names; the digest of an image that has none. */
  readonly images: readonly string[]
  /** How many layers. */
  readonly layers: number
  /** Sources of disk images. */
  readonly disks?: readonly string[]
  /** Bytes on disk. */
  readonly bytes: number
}

/** Progress of a pull, an import or a launch. */
export interface LayerProgress {
  readonly diffIdOrDigest: string
  readonly state: 'waiting' | 'downloading' | 'unpacking' | 'done' | 'reused'
  readonly bytes: number
  /** 0 if unknown. */
  readonly total: number
  /** While it is downloading: of the last few seconds. */
  readonly bytesPerSecond?: number
}
export interface Progress {
  /** image, disk, network, vmm, kernel, … : the stage under way, same names as the launch timeline. */
  readonly stage: string
  /** One line for people: "Pulling debian:bookworm". */
  readonly message: string
  /** 0 to 1 when it can be known. */
  readonly fraction?: number
  readonly layers?: readonly LayerProgress[]
  /** Of one file, such as a disk image. */
  readonly transfer?: {
    readonly bytes: number
    /** 0 if unknown. */
    readonly total: number
    /** While it is downloading: of the last few seconds. */
    readonly bytesPerSecond?: number
  }
}
export type OnProgress = (progress: Progress) => void

export type FileType = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo' | 'socket'
export type FileChange = 'added' | 'changed' | 'removed'

/** What one layer did to the files of those below it. */
export interface LayerChanges {
  /** Files, folders and links that it added, made others of, or removed. */
  readonly added: number
  readonly changed: number
  readonly removed: number
  /** Bytes of all files in it. */
  readonly fileBytes: number
  /** Of those, bytes of files that the finished image does not show: stored for nothing. */
  readonly wastedBytes: number
  /** Bytes of files in lower layers that this one removed or replaced. */
  readonly hiddenBytes: number
}

/** All files of an image, in numbers. */
export interface ImageFiles {
  /** Of the manifest. */
  readonly digest: string
  /** Bottom to top. */
  readonly layers: readonly LayerChanges[]
  /** Files, folders and links that the finished image shows, and bytes of those files. */
  readonly entries: number
  readonly fileBytes: number
  /** Bytes stored that it does not show. */
  readonly wastedBytes: number
}

/** Which state of an image's files to look at. */
export interface FileView {
  /** Index of a layer, from 0 at the bottom: the files as they are after it. Absent: the whole image. */
  readonly layer?: number | undefined
  /** Only what that layer changed and the folders it is in. */
  readonly changesOnly?: boolean | undefined
}

/** A name in a folder. */
export interface FileEntry {
  readonly name: string
  readonly type: FileType
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes; of a folder, of all files below it (one with several names counts once). */
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
  /** Of a symlink: its text. */
  readonly target?: string
  /** Index of the layer that made it what it is. */
  readonly layer: number
  /** What the view's layer did to it. A removed one is shown as it was before. */
  readonly change?: FileChange
  /** Of a folder: what the view's layer did to everything below it. */
  readonly below?: { readonly added: number; readonly changed: number; readonly removed: number }
}

/** A part of a folder's list: folders first, then by name. */
export interface FilePage {
  readonly total: number
  readonly entries: readonly FileEntry[]
}

export interface FileMatch extends FileEntry {
  /** No leading slash. */
  readonly path: string
}

export interface FileSearch {
  /** By path; at most as many as were asked for. */
  readonly matches: readonly FileMatch[]
  /** Whether these are all. */
  readonly complete: boolean
}

/** The beginning of a file, for people to read. */
export interface FileText {
  /** Where the path leads, links followed; no leading slash. */
  readonly path: string
  /** Bytes of the whole file. */
  readonly size: number
  /** Absent if it is not UTF-8 text. */
  readonly text?: string
  /** Whether the text is all of it. */
  readonly complete: boolean
}
