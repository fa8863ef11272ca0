package tokens

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/aimux/aimux/caddymodule/internal/llm"
	"pgregory.net/rapid"
)

func TestCorrection_LearnsTheRatioOfAModel(t *testing.T) {
	var c Correction
	if got := c.Apply("m", 1000); got != 1000 {
		t.Errorf("nothing known: %d", got)
	}
	c.Observe("m", 1000, 1500)
	if got := c.Apply("m", 1000); got != 1500 {
		t.Errorf("after one answer: %d", got)
	}
	for range 100 {
		c.Observe("m", 1000, 800)
	}
	if got := c.Ratio("m"); math.Abs(got-0.8) > 0.01 {
		t.Errorf("after many of another ratio: %v", got)
	}
	if got := c.Apply("other", 1000); got != 1000 {
		t.Errorf("another model: %d", got)
	}
}

func TestCorrection_OneOutlierMovesItLittle(t *testing.T) {
	var c Correction
	for range memory {
		c.Observe("m", 1000, 1000)
	}
	c.Observe("m", 1000, 2000)
	if got := c.Ratio("m"); got < 1 || got > 1.06 {
		t.Errorf("ratio %v", got)
	}
}

func TestCorrection_IgnoresWhatSaysNothing(t *testing.T) {
	var c Correction
	for _, o := range [][2]int{{199, 400}, {1000, 0}, {1000, -5}, {1000, 5000}, {5000, 1000}, {0, 0}, {-1, 1}} {
		c.Observe("m", o[0], o[1])
	}
	if got := c.Ratio("m"); got != 1 {
		t.Errorf("ratio %v", got)
	}
}

func TestCorrection_StaysWithinItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Correction
		for range rapid.IntRange(0, 50).Draw(t, "answers") {
			c.Observe("m", rapid.Int().Draw(t, "estimated"), rapid.Int().Draw(t, "counted"))
		}
		if r := c.Ratio("m"); !(r >= minRatio && r <= maxRatio) {
			t.Fatalf("ratio %v", r)
		}
		if n := c.Apply("m", rapid.IntRange(0, 1e9).Draw(t, "estimate")); n < 1 {
			t.Fatalf("applied %d", n)
		}
	})
}

func TestCorrection_RemembersTheModelsHeardOfLast(t *testing.T) {
	var c Correction
	c.Observe("first", 1000, 2000)
	for i := range maxModels {
		c.Observe(fmt.Sprint(i), 1000, 2000)
		c.Observe("kept", 1000, 2000)
	}
	if len(c.models) != maxModels {
		t.Errorf("%d models", len(c.models))
	}
	if c.Ratio("first") != 1 || c.Ratio("kept") == 1 || c.Ratio("0") != 1 {
		t.Errorf("first %v, kept %v, 0 %v", c.Ratio("first"), c.Ratio("kept"), c.Ratio("0"))
	}
}

func TestCorrection_MayBeUsedFromManyGoroutines(t *testing.T) {
	var c Correction
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				c.Observe(fmt.Sprint(g, i%40), 1000, 1100)
				c.Apply("m", 1000)
			}
		})
	}
	wg.Wait()
}

func BenchmarkCorrection(b *testing.B) {
	var c Correction
	b.ReportAllocs()
	for b.Loop() {
		c.Observe("model", 1000, 1100)
	}
}

func TestCounter_EstimatesBetterAfterAnAnswer(t *testing.T) {
	var c Counter
	body := bigBody()
	first := c.Estimate("zai/glm", body, llm.Anthropic)
	c.Learn("zai/glm", body, llm.Anthropic, first*5/4)
	if got := c.Estimate("zai/glm", body, llm.Anthropic); got < first*5/4-1 || got > first*5/4+1 {
		t.Errorf("%d, then %d", first, got)
	}
	if got := c.Estimate("other", body, llm.Anthropic); got != first {
		t.Errorf("another target: %d", got)
	}
}
