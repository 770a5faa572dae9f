// SPDX-License-Identifier: Apache-2.0
import { Slider } from 'radix-ui'
import { useState, type ReactNode } from 'react'
import { Field } from './field'
import { nearestStop } from './quantities'

interface SliderFieldProps {
  readonly label: string
  readonly value: number
  readonly error: string | undefined
  /** Values the slider can take, ascending. The number beside it takes any. */
  readonly stops: readonly number[]
  readonly parse: (text: string) => number | undefined
  readonly print: (value: number) => string
  /** NaN while what is typed is no number. */
  readonly onChange: (value: number) => void
}

/** A slider and a number that can be typed; each follows the other. */
export function SliderField(props: SliderFieldProps): ReactNode {
  const { label, value, stops, print, onChange } = props
  const [typed, setTyped] = useState<string | undefined>(undefined)
  return (
    <Field label={label} error={props.error}>
      {(ids) => (
        <div className="slider-field">
          <Slider.Root
            className="slider"
            min={0}
            max={stops.length - 1}
            value={[nearestStop(stops, value)]}
            onValueChange={([index = 0]) => onChange(stops[index] ?? value)}
          >
            <Slider.Track className="slider-track">
              <Slider.Range className="slider-range" />
            </Slider.Track>
            <Slider.Thumb
              className="slider-thumb"
              aria-label={`${label} slider`}
              aria-valuetext={print(value)}
            />
          </Slider.Root>
          <input
            {...ids}
            type="text"
            autoComplete="off"
            value={typed ?? print(value)}
            onChange={(event) => {
              setTyped(event.target.value)
              onChange(props.parse(event.target.value) ?? Number.NaN)
            }}
            onFocus={(event) => event.target.select()}
            // What is no number stays to be seen and mended.
            onBlur={() => !Number.isNaN(value) && setTyped(undefined)}
          />
        </div>
      )}
    </Field>
  )
}
