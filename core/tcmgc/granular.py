"""The granular scorer: views, granularities and an aggregator, put together.

This is the framework's own data flow rather than a component: what it holds are components.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import torch
from torch import nn

from . import state as states
from .contrast import Contrast
from .features import Tokens
from .scores import Scores
from .slots.view import is_factored

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from .features import TextFeatures, VideoFeatures
    from .granularity import Granularity, Normalization
    from .slots.aggregator import ScoreAggregator
    from .slots.kernel import ContrastKernel
    from .slots.view import FactoredView, VideoView
    from .state import State
    from .visual import Visual

Form: TypeAlias = Literal["factored", "dense"]
"""How vectors that a text conditions are held: as combinations of few, wherever a view can, or all made."""


@dataclass(frozen=True)
class ViewUse:
    """How a recipe uses a view.

    Parameters
    ----------
    component
        The name under which its component, and so its weights, stand; another view's where it shares.
    of
        The tokens it looks at.
    query
        The text tokens that ask, or None.
    vectors
        Q, how many vectors it yields a pair.
    basis
        A, of how many vectors of a video they are combinations; None where they are none.
    """

    component: str
    of: str
    query: str | None
    vectors: int
    basis: int | None = None

    @property
    def queries(self) -> str:
        """The name of what a factored view prepares of its queries."""
        return f"factored/{self.component}/{self.query}"

    def state(self, form: Form) -> str:
        """Name its prepared state: the same for views that share component and tokens."""
        return f"view/{form}/{self.component}/{self.of}"


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
                basis = None if self._factored(self._view(use)) is None else use.basis
                # A vector exists about four times over: pooled, normalised, projected, added.
                numbers += 4 * use.vectors * (self._dim if basis is None else basis)
        # Similarities exist about eight times over: masked, sorted, in softmaxes.
        return numbers + 8 * max(granularity.entries for _, granularity in self._items())

    def prepare_text(self, text: TextFeatures) -> State:
        """Compute probes, queries and interaction weights of every text."""
        state: dict[str, Tensor] = {}
        for use in self._uses.values():
            if use.query is not None:
                tokens, factored = text.tokens(use.query), self._factored(self._view(use))
                state[f"mask/{use.query}"] = tokens.mask
                if factored is None:
                    state[f"query/{use.query}"] = tokens.values
                elif use.queries not in state:
                    state[use.queries] = factored.prepare_queries(tokens)
        for name, granularity in self._items():
            state |= states.under(f"granularity/{name}", granularity.prepare_text(text))
        return state

    def prepare_video(self, video: VideoFeatures) -> State:
        """Compute every view's state, and interaction weights where no text conditions the view."""
        state: dict[str, Tensor] = {}
        for use in self._uses.values():
            view, tokens = self._view(use), video.tokens(use.of)
            factored = self._factored(view)
            name = use.state("dense" if factored is None else "factored")
            if not states.of(name, state):
                prepared = view.prepare(tokens) if factored is None else factored.prepare_factored(tokens)
                state |= states.under(name, prepared)
        for name, granularity in self._items():
            use = self._uses[granularity.video]
            if use.query is None:
                visual = self._visual(use, {}, state)
                state |= states.under(f"granularity/{name}", granularity.weigh_video(visual))
        return state

    def forward(self, text: State, video: State, logit_scale: Tensor) -> Scores:
        """Score a tile of T texts and V videos."""
        parts: dict[str, Tensor] = {}
        aux: dict[str, Tensor] = {}
        for view in self._uses:
            of_view, of_aux = self._contrast(view, text, video, logit_scale)
            parts |= of_view
            aux |= of_aux
        # In the aggregator's order, whatever the views' is.
        parts = {
            name: parts[name] * logit_scale if name in self._scaled else parts[name]
            for name, _ in self._items()
        }
        return Scores(self.aggregate(parts), parts, aux=aux)

    def _contrast(
        self, view: str, text: State, video: State, logit_scale: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Score the granularities of one view, whose vectors are alive meanwhile: parts, and weights."""
        use = self._uses[view]
        kernel = self._kernel(view, logit_scale.device, logit_scale.dtype)
        if kernel is not None and not states.of(use.state("dense"), video):
            return dict(kernel(self._kernel_contrast(view), text, video)), {}
        contrasts = [(name, granularity) for name, granularity in self._items() if granularity.video == view]
        visuals, items = self._look(view, contrasts, text, video)
        parts: dict[str, Tensor] = {}
        aux: dict[str, Tensor] = {}
        for name, granularity in contrasts:
            own = states.of(f"granularity/{name}", text)
            text_items = states.of("item", own)
            visual = visuals[granularity.normalization]
            parts[name] = granularity(visual, own, text_items, items[name])
            aux |= states.under(f"{name}/text", text_items) | states.under(f"{name}/video", items[name])
        return parts, aux

    def _look(
        self, view: str, contrasts: Sequence[tuple[str, Granularity]], text: State, video: State
    ) -> tuple[dict[Normalization, Visual], dict[str, State]]:
        """Make a view's vectors, normalised in every way that is asked for, and weigh them as they were."""
        use = self._uses[view]
        visual = self._visual(use, text, video)
        items = {
            name: states.of(f"granularity/{name}", video)
            if use.query is None
            else granularity.weigh_video(visual)
            for name, granularity in contrasts
        }
        visuals: dict[Normalization, Visual] = {}
        for _, granularity in contrasts:
            if (how := granularity.normalization) not in visuals:
                plain = how == "none"
                visuals[how] = visual if plain else visual.normalized(skip_padding=how == "real")
        return visuals, items

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
        if self._factored(self._view(self._uses[view])) is None:
            return "the view's vectors are made, not factored"
        return kernel.refusal(self._kernel_contrast(view), device, dtype)

    def _kernel_contrast(self, view: str) -> Contrast:
        use = self._uses[view]
        granularities = {name: g for name, g in self._items() if g.video == view}
        return Contrast(self._view(use), use, granularities)

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
        for name, use in self._uses.items():
            if use.query is None or use.of not in ("frames", "raw_frames"):
                continue
            weights = self._visual(use, text, video).attention()
            if weights is not None:
                found[name] = (use.query, weights)
        return found

    def _items(self) -> list[tuple[str, Granularity]]:
        return list(self.granularities.items())  # type: ignore[arg-type]

    def _view(self, use: ViewUse) -> VideoView:
        weightless = self._weightless.get(use.component)
        return weightless if weightless is not None else self.views[use.component]  # type: ignore[return-value]

    def _factored(self, view: VideoView) -> FactoredView | None:
        factors = self.form == "factored" and is_factored(type(view)) and view.factors  # type: ignore[attr-defined]
        return view if factors else None  # type: ignore[return-value]

    def _visual(self, use: ViewUse, text: State, video: State) -> Visual:
        view = self._view(use)
        dense = states.of(use.state("dense"), video)
        if use.query is None:
            return view(None, dense)
        mask = text[f"mask/{use.query}"]
        if dense:
            return view(Tokens(text[f"query/{use.query}"], mask), dense)
        factored = cast("FactoredView", view)
        return factored.factored(text[use.queries], mask, states.of(use.state("factored"), video))
