export default function Fleet() {
	return <div class="page">Fleet</div>;
}
