// SPDX-License-Identifier: Apache-2.0
// Bounds on what an image may make us read, hold or write. All sizes in bytes.

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/** File data of one image, over all its layers. */
export const MAX_IMAGE_FILE_BYTES = 30 * GIB
/** The tars of its layers: their file data plus headers and padding, room for the worst case of both. */
export const MAX_IMAGE_TAR_BYTES = MAX_IMAGE_FILE_BYTES + 4 * GIB
/** Over all layers: each may become a file of its tree, which is held in memory. */
export const MAX_IMAGE_ENTRIES = 3_000_000
/** Names, link targets and attributes, over all layers. */
export const MAX_IMAGE_NAME_BYTES = GIB
export const MAX_LAYER_ENTRIES = 1_000_000
/** Names, link targets and extended attributes of one layer: they are held in memory. */
export const MAX_LAYER_NAME_BYTES = 512 * MIB
/** What a layer's tar has beside names and contents, compressed: far more than a million headers take. */
export const MAX_LAYER_FRAME_BYTES = 512 * MIB
export const MAX_LAYERS = 1000

export const MAX_MANIFEST_BYTES = 4 * MIB
export const MAX_CONFIG_BYTES = 8 * MIB
export const MAX_INDEX_DEPTH = 4

/** PATH_MAX and NAME_MAX of Linux (limits.h). */
export const MAX_PATH_BYTES = 4096
export const MAX_NAME_BYTES = 255
/** One PAX header or GNU long name. */
export const MAX_TAR_META_BYTES = MIB
/** XATTR_SIZE_MAX of Linux; here the bound for all values of one entry together. */
export const MAX_XATTR_BYTES = 64 * KIB
