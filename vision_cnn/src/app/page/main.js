/* The panels: from a number of a trained network to its training. */

import { tabs } from "tabs";
import { look } from "look";
import { attribution } from "attribution";
import { surgery } from "surgery";
import { mistakes } from "mistakes";
import { augment } from "augment";
import { training } from "training";
import { runs } from "runs";

tabs([look, attribution, surgery, mistakes, augment, training, runs]);
