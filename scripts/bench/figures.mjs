// SPDX-License-Identifier: Apache-2.0

/** The middle value, or the mean of the two in the middle. @param {readonly number[]} values */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = Math.floor(sorted.length / 2)
  const middle = sorted.slice(sorted.length % 2 === 1 ? upper : upper - 1, upper + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/** One row a series: minimum, median, maximum. @param {Record<string, readonly number[]>} series */
export function printFigures(series) {
  const width = Math.max(...Object.keys(series).map((name) => name.length))
  for (const [name, values] of Object.entries(series)) {
    const [low, middle, high] = [Math.min(...values), median(values), Math.max(...values)]
    const figures = [low, middle, high].map((value) => Math.round(value).toString().padStart(7))
    console.log(
      `  ${name.padEnd(width)} ${figures.join('')}   min, median, max of ${values.length}`,
    )
  }
}
