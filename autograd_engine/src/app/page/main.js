/* The panels, in the order of the engine's levels. */

import { tabs } from "tabs";
import { digits } from "digits";
import { playground } from "playground";
import { sandbox } from "sandbox";
import { stepper } from "stepper";

tabs([playground, stepper, sandbox, digits]);
