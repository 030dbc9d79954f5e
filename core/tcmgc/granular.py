"""The granular scorer: views, granularities and an aggregator, put together.

This is the framework's own data flow rather than a component: what it holds are components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import nn

from . import state as states
from .contrast import Contrast
from .features import Tokens
from .granularity import by_normalization
from .scores import Scores
from .similarity import Similarity
from .slots.view import is_factored
from .view_use import Look, probes_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from .factored import Factored
    from .features import TextFeatures, VideoFeatures
    from .granularity import Granularity
    from .slots.aggregator import ScoreAggregator
    from .slots.kernel import ContrastKernel
    from .slots.view import FactoredView, VideoView
    from .state import State
    from .view_use import Form, ViewUse
    from .visual import Visual


class GranularScorer(nn.Module):
    """Score by several granularities and aggregate them.

    Parameters
    ----------
    components
        The views' components, by name.
    uses
        The views by name.
    granularities
        By name, in the aggregator's order.
    scaled
        Names of the granularities that the logit scale multiplies.
    aggregator
        None where there is one granularity.
    dim
        D.

    Attributes
    ----------
    form : str
        ``factored``, or ``dense``, its oracle: the same scores from the same weights. What it is while videos
        are prepared is what counts for them.
    kernels : sequence
        Names and kernels, the first that does not refuse is used: see `tcmgc.slots.kernel`. Without any,
        components do all the work.
    """

    def __init__(
        self,
        *,
        components: Mapping[str, VideoView],
        uses: Mapping[str, ViewUse],
        granularities: Mapping[str, Granularity],
        scaled: frozenset[str],
        aggregator: ScoreAggregator | None,
        dim: int,
    ) -> None:
        super().__init__()
        self.form: Form = "factored"
        self.kernels: Sequence[tuple[str, ContrastKernel]] = ()
        # ModuleDict holds what has weights; a view without may be any object.
        self.views = nn.ModuleDict(
            {name: view for name, view in components.items() if isinstance(view, nn.Module)}
        )
        self._weightless = {
            name: view for name, view in components.items() if not isinstance(view, nn.Module)
        }
        self.granularities = nn.ModuleDict(dict(granularities))
        self.aggregator = aggregator
        used = {granularity.video for granularity in granularities.values()}
        self._uses = {name: use for name, use in uses.items() if name in used}
        self._looks = Look.of_uses(self._uses.values())
        self._scaled = scaled
        self._dim = dim

    @property
    def inputs(self) -> frozenset[str]:
        """The features it reads."""
        texts = {granularity.text for _, granularity in self._items()}
        queries = {use.query for use in self._uses.values() if use.query is not None}
        return frozenset(texts | queries | {use.of for use in self._uses.values()})

    @property
    def text_conditioned(self) -> bool:
        """Whether the vectors of a video that it contrasts depend on the text."""
        return any(use.query is not None for use in self._uses.values())

    @property
    def floats_per_pair(self) -> int:
        """About how many numbers one pair keeps alive at a time, for the size of tiles."""
        numbers = 0
        weight = next(self.parameters(), torch.zeros(()))
        for name, use in self._uses.items():
            if use.query is not None:
                if kernel := self._kernel(name, weight.device, weight.dtype):
                    numbers += kernel.floats_per_pair(self._kernel_contrast(name))
                    continue
                basis = None if self._factored(use) is None else use.basis
                # A vector exists about four times over: pooled, normalised, projected, added.
                numbers += 4 * use.vectors * (self._dim if basis is None else basis)
        # Similarities exist about eight times over: masked, sorted, in softmaxes.
        return numbers + 8 * max(granularity.entries for _, granularity in self._items())

    def prepare_text(self, text: TextFeatures) -> State:
        """Compute probes, queries and interaction weights of every text."""
        state: dict[str, Tensor] = {}
        for use in self._uses.values():
            if use.query is not None:
                tokens, factored = text.tokens(use.query), self._factored(use)
                state[f"mask/{use.query}"] = tokens.mask
                look = self._looks[use.component, use.of]
                if factored is None:
                    state[f"query/{use.query}"] = tokens.values
                elif look.name not in state:
                    state[look.name] = factored.prepare_queries(look.tokens(text))
        for view, use in self._uses.items():
            factored = None if use.query is None else self._factored(use)
            for how, contrasts in by_normalization(self._of_view(view)).items():
                probes = []
                for name, granularity in contrasts.items():
                    own = dict(granularity.prepare_text(text))
                    probes.append(own.pop("probes"))
                    state |= states.under(f"granularity/{name}", own)
                together = torch.cat(probes, dim=1)
                state[probes_name(view, how)] = factored.prepare_probes(together) if factored else together
        return state

    def prepare_video(self, video: VideoFeatures) -> State:
        """Compute every view's state, and interaction weights where no text conditions the view."""
        state: dict[str, Tensor] = {}
        for use in self._uses.values():
            view, tokens, factored = self._view(use), video.tokens(use.of), self._factored(use)
            name = use.state("dense" if factored is None else "factored")
            if not states.of(name, state):
                prepared = view.prepare(tokens) if factored is None else factored.prepare_factored(tokens)
                state |= states.under(name, prepared)
        for name, granularity in self._items():
            use = self._uses[granularity.video]
            if use.query is None:
                visual = self._visual(use, {}, state, {})
                state |= states.under(f"granularity/{name}", granularity.weigh_video(visual))
        return state

    def forward(self, text: State, video: State, logit_scale: Tensor) -> Scores:
        """Score a tile of T texts and V videos."""
        parts: dict[str, Tensor] = {}
        aux: dict[str, Tensor] = {}
        seen: dict[str, Factored] = {}
        for view, use in self._uses.items():
            kernel = self._kernel(view, logit_scale.device, logit_scale.dtype)
            if kernel is not None and not states.of(use.state("dense"), video):
                parts |= kernel(self._kernel_contrast(view), text, video)
                continue
            of_view, of_aux = self._contrast(view, text, video, seen)
            parts |= of_view
            aux |= of_aux
        # In the aggregator's order, whatever the views' is.
        parts = {
            name: parts[name] * logit_scale if name in self._scaled else parts[name]
            for name, _ in self._items()
        }
        return Scores(self.aggregate(parts), parts, aux=aux)

    def _contrast(
        self, view: str, text: State, video: State, seen: dict[str, Factored]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Score the granularities of one view: parts, and weights.

        Vectors that are made are alive meanwhile; those that are not, of all views of the component, in seen.
        """
        use, contrasts = self._uses[view], self._of_view(view)
        visual = self._visual(use, text, video, seen)
        similarities = self._similarities(view, visual, text)
        parts: dict[str, Tensor] = {}
        aux: dict[str, Tensor] = {}
        for name, granularity in contrasts:
            own = f"granularity/{name}"
            text_items = states.of("item", states.of(own, text))
            video_items = states.of(own, video) if use.query is None else granularity.weigh_video(visual)
            parts[name] = granularity(similarities[name], text_items, video_items)
            aux |= states.under(f"{name}/text", text_items) | states.under(f"{name}/video", video_items)
        return parts, aux

    def _similarities(self, view: str, visual: Visual, text: State) -> dict[str, Similarity]:
        """Compare a view's vectors, normalised in every way that is asked for, with all probes at once."""
        found: dict[str, Similarity] = {}
        for how, contrasts in by_normalization(self._of_view(view)).items():
            normed = visual if how == "none" else visual.normalized(skip_padding=how == "real")
            masks = [text[f"granularity/{name}/mask"] for name in contrasts]
            values = normed.dot(text[probes_name(view, how)])
            each = torch.split(values, [mask.shape[1] for mask in masks], dim=2)
            for (name, granularity), mask, own in zip(contrasts.items(), masks, each, strict=True):
                found[name] = Similarity(own, granularity.mask(mask, visual.mask))
        return found

    def refusals(self, device: torch.device, dtype: torch.dtype) -> dict[str, dict[str, str | None]]:
        """Say of every text-conditioned view which kernels there are, and why each is not used.

        Returns
        -------
        dict
            By view and kernel; None where it is not refused.
        """
        return {
            view: {name: self._refusal(view, kernel, device, dtype) for name, kernel in self.kernels}
            for view, use in self._uses.items()
            if use.query is not None
        }

    def _kernel(self, view: str, device: torch.device, dtype: torch.dtype) -> ContrastKernel | None:
        trains = self.training or torch.is_grad_enabled()
        if self._uses[view].query is None or trains or torch.compiler.is_compiling():
            return None
        fitting = (k for _, k in self.kernels if self._refusal(view, k, device, dtype) is None)
        return next(fitting, None)

    def _refusal(
        self, view: str, kernel: ContrastKernel, device: torch.device, dtype: torch.dtype
    ) -> str | None:
        if self._factored(self._uses[view]) is None:
            return "the view's vectors are made, not factored"
        return kernel.refusal(self._kernel_contrast(view), device, dtype)

    def _kernel_contrast(self, view: str) -> Contrast:
        use = self._uses[view]
        return Contrast(
            view, self._view(use), use, self._looks[use.component, use.of], dict(self._of_view(view))
        )

    def aggregate(self, parts: Mapping[str, Tensor]) -> Tensor:
        """Combine parts, [T, V] each, to [T, V]."""
        if self.aggregator is None:
            (only,) = parts.values()
            return only
        return self.aggregator(torch.stack(list(parts.values()), dim=-1))

    def attention(self, text: State, video: State) -> dict[str, tuple[str, Tensor]]:
        """Say by view what asks, ``sentence`` or ``words``, and its weights over frames, [T, V, Q, F].

        Views that no text conditions, that look at patches, or that have no such weights, are left out.
        """
        found = {}
        seen: dict[str, Factored] = {}
        for name, use in self._uses.items():
            if use.query is None or use.of not in ("frames", "raw_frames"):
                continue
            weights = self._visual(use, text, video, seen).attention()
            if weights is not None:
                found[name] = (use.query, weights)
        return found

    def _items(self) -> list[tuple[str, Granularity]]:
        return list(self.granularities.items())  # type: ignore[arg-type]

    def _of_view(self, view: str) -> list[tuple[str, Granularity]]:
        return [(name, granularity) for name, granularity in self._items() if granularity.video == view]

    def _view(self, use: ViewUse) -> VideoView:
        weightless = self._weightless.get(use.component)
        return weightless if weightless is not None else self.views[use.component]  # type: ignore[return-value]

    def _factored(self, use: ViewUse) -> FactoredView | None:
        view = self._view(use)
        can = self.form == "factored" and use.basis is not None and is_factored(type(view))
        return view if can and view.factors else None  # type: ignore[attr-defined,return-value]

    def _visual(self, use: ViewUse, text: State, video: State, seen: dict[str, Factored]) -> Visual:
        """Return a view's vectors; what was seen by the same look is looked up."""
        view = self._view(use)
        dense = states.of(use.state("dense"), video)
        if use.query is None:
            return view(None, dense)
        if dense:
            return view(Tokens(text[f"query/{use.query}"], text[f"mask/{use.query}"]), dense)
        look = self._looks[use.component, use.of]
        if look.name not in seen:
            factored, prepared = cast("FactoredView", view), states.of(use.state("factored"), video)
            seen[look.name] = factored.factored(text[look.name], look.mask(text), prepared)
        return seen[look.name].queries(look.places(use.query, text))
