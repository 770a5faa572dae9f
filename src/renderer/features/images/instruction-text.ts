// SPDX-License-Identifier: Apache-2.0

/**
 * A history entry as one would write it in a build file. Builders wrap instructions in a shell:
 * "/bin/sh -c #(nop)  ADD x in /" is "ADD x in /", "RUN /bin/sh -c apt update # buildkit" is "RUN apt update".
 */
export function instructionText(createdBy: string): string {
  const text = createdBy.trim()
  const nop = /^\/bin\/sh -c #\(nop\)\s*(.*)$/s.exec(text)
  if (nop !== null) return nop[1]?.trim() ?? ''
  return text.replace(/^(?:RUN )?\/bin\/sh -c /, 'RUN ').replace(/\s*# buildkit$/, '')
}
