/* The panels of this sub-project. */

import { tabs } from "tabs";
import { segment } from "segment";
import { attention } from "attention";
import { compare } from "compare";

tabs([segment, attention, compare]);
