/* The panels of this page, in the order of their tabs. */

import { attention } from "attention";
import { evolution } from "evolution";
import { gates } from "gates";
import { sampler } from "sampler";
import { scaling } from "scaling";
import { tabs } from "tabs";
import { tokens } from "tokens";

tabs([sampler, attention, gates, tokens, evolution, scaling]);
