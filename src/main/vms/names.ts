// SPDX-License-Identifier: Apache-2.0
// Names nobody has to think of: "brave-otter". Both lists are short, plain and lower case, so
// every pair is a valid DNS label.
import { randomInt } from 'node:crypto'

const adjectives = words(`
  able amber autumn bold brave bright brisk calm clever copper crisp curious deft eager early
  fair fleet fond frosty gentle glad golden grand happy hardy hazel honest humble jolly keen
  kind lively loyal lucky lunar mellow merry mild misty modest neat nimble noble olive patient
  plucky polite proud quick quiet rapid ready rosy rustic silver smart snowy solar spry steady
  sunny swift tidy upbeat vivid warm wise witty young zesty
`)

const animals = words(`
  badger beaver bison bobcat buzzard camel cheetah condor corgi crane cricket deer dolphin dove
  eagle egret falcon ferret finch fox gazelle gecko goose hare hawk hedgehog heron ibex iguana
  jackal jay kestrel koala lark lemur leopard lizard llama lynx magpie marmot marten mole moose
  newt ocelot orca oriole osprey otter owl panda pelican penguin plover puffin quail rabbit
  raven robin salmon seal sparrow squirrel stork swan tapir tern turtle walrus weasel whale wolf
  wombat wren yak zebra
`)

/**
 * A name that is not `taken`. Random; once most pairs are used up, one with a number.
 * @param pick a whole number from 0 to below its argument
 */
export function suggestName(
  taken: ReadonlySet<string>,
  pick: (below: number) => number = randomInt,
): string {
  const pair = (): string =>
    `${adjectives[pick(adjectives.length)] ?? ''}-${animals[pick(animals.length)] ?? ''}`
  for (let attempt = 0; attempt < 50; attempt++) {
    const name = pair()
    if (!taken.has(name)) return name
  }
  const base = pair()
  for (let number = 2; ; number++) {
    if (!taken.has(`${base}-${number}`)) return `${base}-${number}`
  }
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}
