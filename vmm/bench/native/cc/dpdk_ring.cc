// DPDK's rte_ring with one producer and one consumer, messages in the ring itself, in
// memory of this process: no huge pages, no EAL.
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "pair.h"

template <unsigned size> struct Ring {
	static constexpr size_t ring = size;
	rte_ring *r;
	Ring() {
		ssize_t bytes = rte_ring_get_memsize_elem(sizeof(Message), size);
		if (bytes < 0) fail("rte_ring_get_memsize_elem refuses the size");
		r = (rte_ring *)aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
		if (!r || rte_ring_init(r, "bench", size, RING_F_SP_ENQ | RING_F_SC_DEQ)) fail("rte_ring_init fails");
	}
	~Ring() { free(r); }
	size_t push(const Message *m, size_t n) { return rte_ring_sp_enqueue_burst_elem(r, m, sizeof *m, n, nullptr); }
	size_t pop(Message *m, size_t n) { return rte_ring_sc_dequeue_burst_elem(r, m, sizeof *m, n, nullptr); }
};

int main(int argc, char **argv) {
	Plan p = planOf("dpdk_ring", argc, argv);
	printf("[");
	measure<Ring<1024>>(p);
	measure<Ring<4096>>(p);
	printf("\n]\n");
}
